// expect: the solver inside draws noise by itself
#include "foglift/diffusion/solver/churn.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"

using namespace foglift;

#ifdef FINE
inline solver::Churn<solver::Euler> lifted;
#else
inline solver::Churn<solver::Ddpm> lifted;
#endif
