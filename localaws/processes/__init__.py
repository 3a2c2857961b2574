"""Child processes of pipeline steps and Glue jobs (`jobs`), and the limit on how many run at once (`slots`)."""
