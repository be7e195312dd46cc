"""The send protocol; it knows no concrete ledger and no concrete provider."""
