"""The part of the report about the loss surface, made from the records of `gengap landscape`."""
