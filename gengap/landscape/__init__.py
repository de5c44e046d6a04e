"""The loss surface around trained networks, as in Keskar et al. 2017 and the paper's Appendix B."""
