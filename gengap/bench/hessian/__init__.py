"""The largest eigenvalue of a trained network's Hessian: gengap beside PyHessian and hessian-eigenthings."""
