"""The providers that submit mail, each in a module or package."""
