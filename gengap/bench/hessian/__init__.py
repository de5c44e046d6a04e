"""Compare gengap, PyHessian and hessian-eigenthings on the largest eigenvalue of a network's Hessian."""
