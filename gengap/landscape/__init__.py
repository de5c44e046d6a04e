"""The loss surface around trained networks: what Keskar et al. 2017 and the paper's Appendix B measured."""
