"""The part of the report on the loss surface, made of the records of `gengap landscape`."""
