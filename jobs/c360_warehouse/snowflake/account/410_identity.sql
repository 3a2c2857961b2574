-- STORAGE_AWS_IAM_USER_ARN and STORAGE_AWS_EXTERNAL_ID are what the trust policy of the role names.
DESC INTEGRATION {integration}
