"""The CloudFormation template's source, one module for each of the guide's layers, read from `hub.py` down.

The hub is launched in the primary. Its StackSets put the regional stacks of `regional.py` into both regions; the finalizer does the rest.
"""
