"""The archive: the pages of published issues, and their feeds, as text; other packages write the files."""
