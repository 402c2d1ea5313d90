//! The embedded service on a loopback port, for the AWS CLI, boto3 or anything else.
