"""Sources: feeds and JSON whose entries become the stories of a new issue."""
