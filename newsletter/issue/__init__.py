"""Issues: what one holds, its file, and the skeleton of a new one."""
