"""Files and folders on the disk: what a stranger's branch put there is read and replaced with limits."""
