"""Services that ministack lacks (`sagemaker`, `redshift_data`), and patches of its `stepfunctions` and `glue`."""
