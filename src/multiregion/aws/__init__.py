"""The application on AWS: the engines as backends, and what operators do with the guide's deployment."""
