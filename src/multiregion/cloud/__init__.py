"""What operators do with the guide's deployment on AWS."""
