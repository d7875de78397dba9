"""AWS as far as the templates need it, in this process: moto's back ends, taught what they leave out.

A resource, an action, a condition or a piece of a mapping template that is not modelled here fails loudly.
"""
