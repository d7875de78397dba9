"""What every command is made of, the product's and an application's own: options, lists, and a client of the regions."""
