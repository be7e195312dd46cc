"""Issues: the model, the issue file, and the skeleton of a new issue."""
