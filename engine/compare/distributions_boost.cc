/*
 * Distributions, over Boost.Math. Its policies say that an error is a NaN or an infinity and never
 * an exception; both tails are asked for by symmetry, so that small ones keep their digits.
 */
#include "engine/compare/distributions.h"

#include <cmath>
#include <limits>

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace
{

namespace math = boost::math;
namespace policies = boost::math::policies;

using Quiet = policies::policy<policies::domain_error<policies::ignore_error>,
                               policies::pole_error<policies::ignore_error>,
                               policies::overflow_error<policies::ignore_error>,
                               policies::evaluation_error<policies::ignore_error>,
                               policies::promote_double<false>>;

const double kNone = std::numeric_limits<double>::quiet_NaN();

} // namespace

double
rc_normal_tails(double z)
{
    if (std::isnan(z))
        return kNone;
    return std::erfc(std::fabs(z) / std::sqrt(2.0));
}

double
rc_normal_central(double confidence)
{
    if (!(confidence > 0) || !(confidence < 1))
        return kNone;
    return math::quantile(
        math::complement(math::normal_distribution<double, Quiet>(), (1 - confidence) / 2));
}

double
rc_student_tails(double t, double degrees)
{
    if (std::isnan(t) || !(degrees > 0))
        return kNone;
    if (std::isinf(t))
        return 0;
    return 2 * math::cdf(math::complement(math::students_t_distribution<double, Quiet>(degrees),
                                          std::fabs(t)));
}

double
rc_student_central(double confidence, double degrees)
{
    if (!(confidence > 0) || !(confidence < 1) || !(degrees > 0))
        return kNone;
    return math::quantile(math::complement(math::students_t_distribution<double, Quiet>(degrees),
                                           (1 - confidence) / 2));
}

double
rc_chi_square_tail(double x, double degrees)
{
    if (!(x >= 0) || !(degrees > 0))
        return kNone;
    if (std::isinf(x))
        return 0;
    return math::cdf(math::complement(math::chi_squared_distribution<double, Quiet>(degrees), x));
}
