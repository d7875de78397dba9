"""The CloudFormation template's source: one hub stack, and in its StackSet one regional stack for each of the two regions."""
