"""The code of the functions, one file each, on the standard library and boto3 alone; it goes inline into the template."""
