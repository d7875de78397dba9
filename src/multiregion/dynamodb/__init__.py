"""A region's data in DynamoDB and S3, as backends of the same interfaces as `embedded`."""
