"""Cases that TF 1.15.5 and Retrograph are asked in the same words: distributions, what to ask them, and bijectors.

Runs under Python 3.7 too. Everything is an expression of `tf`, `np`, `ds` (tf.contrib.distributions) and `bs`.
"""

# name -> (distribution, a value of its support)
CORE = {
    "normal": ("ds.Normal([0., 1.], [1., 2.5])", "[0.5, -3.]"),
    "normal_scalar": ("ds.Normal(0., 1.)", "[-12., -1., 0., 6.]"),
    "normal_f64": ("ds.Normal(np.float64(1.), np.array([2., .1]), name='n')", "np.array([0.5, -30.])"),
    "normal_checked": ("ds.Normal([0.], [1.], validate_args=True)", "[0.]"),
    "normal_negative": ("ds.Normal([0.], [-1.], validate_args=True)", "[0.]"),
    "normal_softplus": ("ds.NormalWithSoftplusScale([0.], [-1., 2.])", "[0.3, 0.4]"),
    "normal_two_dtypes": ("ds.Normal(np.float64(0.), np.float32(1.))", "0."),
    "normal_ints": ("ds.Normal(0, 1)", "0."),
    "laplace": ("ds.Laplace([0., 1.], 2.)", "[[1.5, -3.], [0., 1.]]"),
    "laplace_softplus": ("ds.LaplaceWithSoftplusScale([0., 1.], 2.)", "[1.5, -3.]"),
    "bernoulli_logits": ("ds.Bernoulli(logits=[-1., 0., 3.])", "[1, 0, 1]"),
    "bernoulli_probs": ("ds.Bernoulli(probs=[[.1, .6]], dtype=tf.float32)", "[[1., 0.], [0., 0.]]"),
    "bernoulli_checked": ("ds.Bernoulli(probs=[.1, .6], validate_args=True)", "[1, 0]"),
    "bernoulli_above_one": ("ds.Bernoulli(probs=[1.1, .6], validate_args=True)", "[1, 0]"),
    "bernoulli_two": ("ds.Bernoulli(probs=[1.1], logits=[1.])", "[1, 0]"),
    "bernoulli_ints": ("ds.Bernoulli(logits=[1])", "[1, 0]"),
    "categorical": ("ds.Categorical(logits=[[1., 2., 0.], [0., 0., -3.]])", "[1, 2]"),
    "categorical_1d": ("ds.Categorical(probs=[.2, .5, .3], dtype=tf.int64)", "[[0, 1], [2, 2]]"),
    "categorical_3d": ("ds.Categorical(logits=np.ones([2, 2, 3], np.float32))", "[[0, 1], [2, 2]]"),
    "categorical_checked": ("ds.Categorical(probs=[.2, .5, .3], validate_args=True)", "1"),
    "categorical_one_class": ("ds.Categorical(probs=[1.], validate_args=True)", "1"),
    "categorical_scalar": ("ds.Categorical(logits=1.)", "1"),
    "uniform": ("ds.Uniform([0., 1.], 3.)", "[0.5, 3.]"),
    "uniform_empty": ("ds.Uniform(2., 1., validate_args=True)", "[0.5, 3.]"),
    "beta": ("ds.Beta([1., 2., 3.], 2.)", "[.2, .5, .9]"),
    "beta_strict": ("ds.Beta([1., 2.], 2., validate_args=True, allow_nan_stats=False)", "[.2, .5]"),
    "beta_softplus": ("ds.BetaWithSoftplusConcentration([1., 2.], [-2., 1.])", "[.2, .5]"),
    "gamma": ("ds.Gamma([.5, 2., 30.], [1., 3., 2.])", "[.2, .5, 9.]"),
    "gamma_strict": ("ds.Gamma([.5], [1.], allow_nan_stats=False)", "[.2]"),
    "gamma_softplus": ("ds.GammaWithSoftplusConcentrationRate([.5], [1.])", "[.2]"),
    "exponential": ("ds.Exponential([.5, 2.])", "[.2, 3.]"),
    "exponential_softplus": ("ds.ExponentialWithSoftplusRate([.5, 2.])", "[.2, 3.]"),
    "student_t": ("ds.StudentT([.5, 2., 5.], [0., 1., 2.], 3.)", "[.2, 3., 100.]"),
    "student_t_strict": ("ds.StudentT(.5, 0., 3., allow_nan_stats=False)", ".2"),
    "student_t_softplus": ("ds.StudentTWithAbsDfSoftplusScale([-3.3], 0., [3.])", "[.2]"),
    "multinomial": ("ds.Multinomial([4., 2.], probs=[[.2, .3, .5], [.1, .1, .8]])", "[[1., 1., 2.], [0., 0., 2.]]"),
    "multinomial_1d": ("ds.Multinomial(3., logits=[1., 0., 2.], validate_args=True)", "[1., 0., 2.]"),
    "multinomial_bad": ("ds.Multinomial(3., logits=[1., 0., 2.], validate_args=True)", "[1., 1., 2.]"),
    "dirichlet": ("ds.Dirichlet([[1., 2., 3.]])", "[[.2, .3, .5]]"),
    "dirichlet_mode": ("ds.Dirichlet([2., 2., 3.], validate_args=True)", "[.2, .3, .5]"),
    "dirichlet_strict": ("ds.Dirichlet([1., 2., 3.], allow_nan_stats=False)", "[.2, .3, .5]"),
    "dirichlet_multinomial": ("ds.DirichletMultinomial([3., 2.], [[1., 2.], [2., 3.]])", "[[1., 2.], [0., 2.]]"),
    "dirichlet_multinomial_1d": ("ds.DirichletMultinomial(3., [1., 2., 4.], validate_args=True)", "[1., 2., 0.]"),
    "unknown_shape": ("ds.Normal(tf.placeholder_with_default([1., 2.], None), 1.)", "[1., 2.]"),
    "unknown_classes": (
        "ds.Categorical(tf.placeholder_with_default([[1., 2.]], [None, None]), validate_args=True)", "[1]"),
}  # fmt: skip

CONTRIB = {
    "cauchy": ("ds.Cauchy([0., 1.], 2.)", "[1.5, -3.]"),
    "cauchy_strict": ("ds.Cauchy(0., 2., allow_nan_stats=False)", "[1.5]"),
    "logistic": ("ds.Logistic([0., 1.], 2.)", "[1.5, -3.]"),
    "half_normal": ("ds.HalfNormal([1., 2.])", "[1.5, -3.]"),
    "chi2": ("ds.Chi2([1., 4.])", "[1.5, 3.]"),
    "chi2_abs": ("ds.Chi2WithAbsDf([-1.5, 4.])", "[1.5, 3.]"),
    "inverse_gamma": ("ds.InverseGamma([.5, 2.5, 4.], 2.)", "[1.5, 3., .1]"),
    "inverse_gamma_softplus": ("ds.InverseGammaWithSoftplusConcentrationRate([.5, 2.5], 2.)", "[1.5, 3.]"),
    "binomial": ("ds.Binomial([4., 2.], probs=[.2, .5])", "[4., 1.]"),
    "binomial_checked": ("ds.Binomial(4., logits=[.2, .5], validate_args=True)", "[4., 1.]"),
    "negative_binomial": ("ds.NegativeBinomial([4., 1.], probs=[.2, .5])", "[4., 1.]"),
    "geometric": ("ds.Geometric(probs=[.2, .5])", "[4., 0.]"),
    "geometric_checked": ("ds.Geometric(logits=[.2, .5], validate_args=True)", "[4., 0.]"),
    "poisson": ("ds.Poisson([.5, 20.])", "[4., 0.]"),
    "poisson_log": ("ds.Poisson(log_rate=[.5, 2.], validate_args=True)", "[4., 0.]"),
    "poisson_none": ("ds.Poisson()", "[4., 0.]"),
    "one_hot": ("ds.OneHotCategorical(logits=[[1., 2., 0.], [0., 1., 0.]])", "[[0, 1, 0], [1, 0, 0]]"),
    "one_hot_float": ("ds.OneHotCategorical(probs=[.2, .5, .3], dtype=tf.float32)", "[[0., 1., 0.]]"),
    "exp_relaxed": ("ds.ExpRelaxedOneHotCategorical(.5, probs=[[.2, .5, .3]])", "np.log([[.2, .3, .5]], dtype='f')"),
    "exp_relaxed_batch": ("ds.ExpRelaxedOneHotCategorical([.5, 2.], logits=[[1., 2.], [0., 1.]])", "[[-1., -.5]]*2"),
}  # fmt: skip

KL = {
    "normal": "ds.Normal([0., 1.], 2.), ds.Normal(1., [3., 1.])",
    "bernoulli": "ds.Bernoulli(logits=[0., 1.]), ds.Bernoulli(probs=[.5, .1])",
    "categorical": "ds.Categorical(logits=[0., 1.]), ds.Categorical(probs=[.5, .5])",
    "beta": "ds.Beta([1., 2.], 3.), ds.Beta(2., [1., 2.])",
    "gamma": "ds.Gamma([1., 2.], 3.), ds.Gamma(2., [1., 2.])",
    "exponential": "ds.Exponential([1., 2.]), ds.Gamma(2., [1., 2.])",
    "dirichlet": "ds.Dirichlet([1., 2.]), ds.Dirichlet([3., 1.])",
    "one_hot": "ds.OneHotCategorical(logits=[0., 1.]), ds.OneHotCategorical(probs=[.5, .5])",
    "none": "ds.Normal(0., 1.), ds.Gamma(2., [1., 2.])",
    "strict": "ds.Normal(0., 1., allow_nan_stats=False), ds.Normal(2., 1.)",
    "nan": "ds.Normal(0., -1., allow_nan_stats=False), ds.Normal(2., float('nan'))",
}

QUESTIONS = [
    "d.sample(seed=7)", "d.sample([2, 1], seed=3)", "d.sample(2)", "d.log_prob(v)", "d.prob(v)", "d.cdf(v)",
    "d.log_cdf(v)", "d.survival_function(v)", "d.log_survival_function(v)", "d.quantile([.1, .7])", "d.mean()",
    "d.variance()", "d.stddev()", "d.mode()", "d.entropy()", "d.covariance()", "d.batch_shape_tensor()",
    "d.event_shape_tensor()", "d.is_scalar_batch()", "d.is_scalar_event()", "grad(d.log_prob(v), v)",
    "grad_of_sample(d)",
]  # fmt: skip
PLAIN = [
    "str(d)",
    "repr(d)",
    "str(d.reparameterization_type)",
    "sorted(d.parameters)",
    "type(d).param_static_shapes([3])",
]

VECTORS = {
    "mvn_diag": ("ds.MultivariateNormalDiag([1., 2.], [[1., 2.], [3., 4.]])", "[[1., 1.], [0., 3.]]"),
    "mvn_diag_loc": ("ds.MultivariateNormalDiag([1., 2.])", "[[1., 1.]]"),
    "mvn_diag_scale": ("ds.MultivariateNormalDiag(scale_diag=[1., 2.])", "[[1., 1.]]"),
    "mvn_diag_multiplier": ("ds.MultivariateNormalDiag([[1., 2.]], scale_identity_multiplier=[2.])", "[[1., 1.]]"),
    "mvn_diag_both": ("ds.MultivariateNormalDiag([1., 2.], [.1, 1.], 3., validate_args=True)", "[[1., 1.]]"),
    "mvn_diag_none": ("ds.MultivariateNormalDiag(scale_identity_multiplier=3.)", "[[1., 1.]]"),
    "mvn_diag_sizes": ("ds.MultivariateNormalDiag([1., 2.], [1., 2., 3.])", "[[1., 1.]]"),
    "mvn_diag_softplus": ("ds.MultivariateNormalDiagWithSoftplusScale([1., 2.], [-1., 3.])", "[[1., 1.]]"),
    "mvn_tril": ("ds.MultivariateNormalTriL([1., 2.], [[1., 0.], [3., 4.]])", "[1., 1.]"),
    "mvn_tril_batch": (
        "ds.MultivariateNormalTriL(np.ones([3, 2], 'f'), np.array([[[1., 9.], [3., 4.]]] * 3, 'f'))", "[1., 1.]"),
    "mvn_tril_loc": ("ds.MultivariateNormalTriL([1., 2.])", "[1., 1.]"),
    "mvn_tril_checked": ("ds.MultivariateNormalTriL(None, [[1., 0.], [3., 4.]], validate_args=True)", "[1., 1.]"),
    "mvn_tril_nothing": ("ds.MultivariateNormalTriL()", "[1., 1.]"),
    "mvn_full": ("ds.MultivariateNormalFullCovariance([1., 2.], [[2., .5], [.5, 1.]])", "[1., 1.]"),
    "mvn_full_asymmetric": (
        "ds.MultivariateNormalFullCovariance([1., 2.], [[2., .5], [.1, 1.]], validate_args=True)", "[1., 1.]"),
    "mvn_low_rank": (
        "ds.MultivariateNormalDiagPlusLowRank([1., 2.], [2., 1.], None, [[1.], [2.]], [.5])", "[1., 1.]"),
    "mvn_low_rank_1": (
        "ds.MultivariateNormalDiagPlusLowRank([1., 2.], [2., 1.], 1., [[1.], [2.]])", "[1., 1.]"),
    "mvn_unknown": (
        "ds.MultivariateNormalDiag(tf.placeholder_with_default([[1., 2.]], [None, 2]), [1., 2.])", "[[1., 1.]]"),
    "vector_exponential": ("ds.VectorExponentialDiag([1., 2.], [1., 2.])", "[2., 3.]"),
    "vector_laplace": ("ds.VectorLaplaceDiag([1., 2.], [1., 2.])", "[2., 3.]"),
    "vector_sinh_arcsinh": ("ds.VectorSinhArcsinhDiag([1., 2.], [1., 2.], skewness=.5)", "[2., 3.]"),
    "sinh_arcsinh": ("ds.SinhArcsinh([1., 2.], [1., 2.], tailweight=1.5)", "[2., 3.]"),
    "relaxed_bernoulli": ("ds.RelaxedBernoulli(.5, logits=[1., -2.])", "[.2, .3]"),
    "relaxed_bernoulli_checked": ("ds.RelaxedBernoulli([.5, 2.], probs=.3, validate_args=True)", "[.2, .3]"),
    "relaxed_one_hot": ("ds.RelaxedOneHotCategorical(.5, logits=[[1., 0.], [2., 3.]])", "[.2, .8]"),
    "kumaraswamy": ("ds.Kumaraswamy([1., 2.], 3.)", "[.2, .3]"),
    "log_normal": ("ds.TransformedDistribution(ds.Normal([0., 1.], 1.), bs.Exp(), name='log_normal')", "[.2, .3]"),
    "unnamed": ("ds.TransformedDistribution(ds.Normal(0., 1.), bs.Affine(1., 2.), event_shape=[2])", "[.2, .3]"),
    "blown_up": (
        "ds.TransformedDistribution(ds.Normal(0., 1.), bs.Sigmoid(), batch_shape=[2], event_shape=[2])", "[.2, .3]"),
    "rotated": ("ds.TransformedDistribution(ds.Normal([0., 1.], 1.), bs.Identity(), event_shape=[3])",
        "[[.2, .3, .4], [1., 2., 3.]]"),
    "absolute": ("ds.TransformedDistribution(ds.Normal([0., 1.], 1.), bs.AbsoluteValue())", "[.2, .3]"),
    "not_scalar": ("ds.TransformedDistribution(ds.Normal([0., 1.], 1.), bs.Exp(), batch_shape=[2])", "[.2, .3]"),
}  # fmt: skip

KL.update({
    "mvn_diag": "ds.MultivariateNormalDiag([0., 1.], [1., 2.]), ds.MultivariateNormalDiag([2., 1.], [1., 3.])",
    "mvn_tril": "ds.MultivariateNormalTriL([0., 1.], [[1., 0.], [1., 2.]]), ds.MultivariateNormalDiag([2., 1.], [1., 3.])",
    "mvn_back": "ds.MultivariateNormalDiag([2., 1.], [1., 3.]), ds.MultivariateNormalTriL([0., 1.], [[1., 0.], [1., 2.]])",
})  # fmt: skip

# name -> (bijector, an input, the axes of an event)
BIJECTORS = {
    "identity": ("bs.Identity()", "[1., 2.]", 1),
    "exp": ("bs.Exp()", "[[1., 2.]]", 1),
    "exp_checked": ("bs.Exp(validate_args=True)", "[[1., 2.]]", 0),
    "power": ("bs.PowerTransform(power=.5, validate_args=True)", "[1., 2.]", 0),
    "power_negative": ("bs.PowerTransform(power=-.5)", "[1., 2.]", 0),
    "sigmoid": ("bs.Sigmoid()", "[1., -2.]", 1),
    "softplus": ("bs.Softplus()", "[1., -20.]", 0),
    "softplus_soft": ("bs.Softplus(hinge_softness=.3, validate_args=True)", "[1., -2.]", 0),
    "softsign": ("bs.Softsign(validate_args=True)", "[1., -2.]", 0),
    "square": ("bs.Square(validate_args=True)", "[1., 2.]", 0),
    "absolute": ("bs.AbsoluteValue()", "[1., 2.]", 1),
    "affine_scalar": ("bs.AffineScalar(1., [2., 3.], validate_args=True)", "[1., 2.]", 0),
    "affine_multiplier": ("bs.Affine(1., 2.)", "[1., 2.]", 1),
    "affine_diag": ("bs.Affine([1., 2.], scale_diag=[2., 3.])", "[[1., 2.], [3., 4.]]", 1),
    "affine_tril": ("bs.Affine([1., 2.], 1., [2., 3.], [[1., 0.], [1., 1.]], validate_args=True)", "[[1., 2.]]", 1),
    "affine_low_rank": ("bs.Affine(scale_diag=[2., 3.], scale_perturb_factor=[[1.], [1.]])", "[[1., 2.]]", 1),
    "affine_no_factor": ("bs.Affine(scale_diag=[2., 3.], scale_perturb_diag=[1.])", "[[1., 2.]]", 1),
    "gumbel": ("bs.Gumbel(1., [2., .5])", "[1., 2.]", 0),
    "sinh_arcsinh": ("bs.SinhArcsinh(.5, 1.5, validate_args=True)", "[1., 200.]", 0),
    "kumaraswamy": ("bs.Kumaraswamy(2., [1.5, 3.])", "[.1, .2]", 0),
    "chain": ("bs.Chain([bs.Exp(), bs.AffineScalar(1., 2.)])", "[.1, .2]", 1),
    "chain_empty": ("bs.Chain()", "[.1, .2]", 1),
    "chain_matrix": ("bs.Chain([bs.CholeskyOuterProduct(), bs.ScaleTriL()])", "[.1, .2, .3]", 1),
    "invert": ("bs.Invert(bs.Exp())", "[.1, .2]", 1),
    "inline": (
        "bs.Inline(tf.exp, tf.log, lambda y: -tf.log(y), forward_min_event_ndims=0)", "[.1, .2]", 1),
    "permute": ("bs.Permute([2, 0, 1])", "[[.1, .2, .3]]", 1),
    "permute_not": ("bs.Permute([2, 0, 2])", "[[.1, .2, .3]]", 1),
    "ordered": ("bs.Ordered(validate_args=True)", "[[.1, .2, .5]]", 1),
    "softmax_centered": ("bs.SoftmaxCentered()", "[[.1, .2, .5]]", 1),
    "reshape": ("bs.Reshape([2, 2], [4], validate_args=True)", "[[.1, .2, .5, 1.]]", 2),
    "reshape_flat": ("bs.Reshape([-1], [2, 2])", "[[[.1, .2], [.5, 1.]]]", 2),
    "cholesky": ("bs.CholeskyOuterProduct(validate_args=True)", "[[1., 0.], [2., 3.]]", 2),
    "cholesky_batch": ("bs.CholeskyOuterProduct()", "[[[1., 0.], [2., 3.]]]", 2),
    "fill_triangular": ("bs.FillTriangular()", "[1., 2., 3.]", 1),
    "fill_upper": ("bs.FillTriangular(upper=True)", "[[1., 2., 3.]]", 1),
    "fill_not": ("bs.FillTriangular()", "[1., 2., 3., 4.]", 1),
    "matrix_inverse": ("bs.MatrixInverseTriL(validate_args=True)", "[[1., 0.], [2., 3.]]", 2),
    "scale_tril": ("bs.ScaleTriL()", "[[1., 2., 3.]]", 1),
    "transform_diagonal": ("bs.TransformDiagonal(bs.Exp())", "[[1., 0.], [2., 3.]]", 2),
}  # fmt: skip

BIJECTOR_QUESTIONS = [
    "d.forward(v)", "d.inverse(d.forward(v))", "d.inverse(tf.identity(d.forward(v)))",
    "d.forward_log_det_jacobian(v, event_ndims=EV)", "d.inverse_log_det_jacobian(tf.identity(d.forward(v)), EV)",
    "d.inverse_log_det_jacobian(d.forward(v), d.inverse_min_event_ndims)",
    "d.forward_event_shape_tensor(tf.shape(v))", "d.inverse_event_shape_tensor(tf.shape(d.forward(v)))",
    "grad(d.forward(v), v)", "d.forward_log_det_jacobian(v, event_ndims=-1)",
]  # fmt: skip
BIJECTOR_PLAIN = [
    "d.name", "d.forward_min_event_ndims, d.inverse_min_event_ndims", "d.is_constant_jacobian", "d.validate_args",
    "d.forward_event_shape(v.shape)", "d.inverse_event_shape(d.forward(v).shape)", "d.dtype",
]  # fmt: skip

COMPOUND = {
    "deterministic": ("ds.Deterministic([1., 2.], atol=.1)", "[1.05, 3.]"),
    "deterministic_rtol": ("ds.Deterministic(2., rtol=.1, validate_args=True)", "[2.1, 3.]"),
    "vector_deterministic": ("ds.VectorDeterministic([[1., 2.], [3., 4.]], validate_args=True)", "[1., 2.]"),
    "vector_deterministic_scalar": ("ds.VectorDeterministic(1., validate_args=True)", "[1., 2.]"),
    "independent": ("ds.Independent(ds.Normal([[1., 2.], [3., 4.]], 1.))", "[[1., 2.], [3., 5.]]"),
    "independent_2": ("ds.Independent(ds.Bernoulli(logits=[[1., 2.], [3., 4.]]), 2)", "[[1, 0], [1, 1]]"),
    "independent_3": ("ds.Independent(ds.Bernoulli(logits=[[1., 2.], [3., 4.]]), 3)", "[[1, 0], [1, 1]]"),
    "batch_reshape": ("ds.BatchReshape(ds.Normal([1., 2., 3., 4.], 1.), [2, -1])", "[[1., 2.], [3., 5.]]"),
    "batch_reshape_mvn": (
        "ds.BatchReshape(ds.MultivariateNormalDiag(np.ones([4, 2], 'f'), [1., 2.]), [2, 2], validate_args=True)",
        "np.ones([2, 2, 2], 'f')"),
    "batch_reshape_bad": ("ds.BatchReshape(ds.Normal([1., 2., 3., 4.], 1.), [3])", "[1.]"),
    "quantized": ("ds.QuantizedDistribution(ds.Normal([0., 1.], 2.), low=-2., high=3.)", "[1., 3.]"),
    "quantized_open": ("ds.QuantizedDistribution(ds.Normal(0., 2.), validate_args=True)", "[1., -7.]"),
    "quantized_uniform": ("ds.QuantizedDistribution(ds.Uniform(0., 2.), low=1.)", "[1., 2.]"),
    "mixture": (
        "ds.Mixture(ds.Categorical(probs=[[.3, .7], [.5, .5]]), [ds.Normal([0., 1.], 1.), ds.Normal([5., 6.], 2.)])",
        "[1., 2.]"),
    "mixture_static": (
        "ds.Mixture(ds.Categorical(probs=[.3, .7]), [ds.Normal(0., 1.), ds.Normal(5., 2.)], use_static_graph=True)",
        "[1., 2.]"),
    "mixture_vectors": (
        "ds.Mixture(ds.Categorical(logits=[.3, .7]), [ds.MultivariateNormalDiag([0., 1.], [1., 2.]), "
        "ds.MultivariateNormalDiag([5., 1.], [1., 1.])], validate_args=True)", "[1., 2.]"),
    "mixture_count": ("ds.Mixture(ds.Categorical(probs=[.3, .7]), [ds.Normal(0., 1.)])", "[1., 2.]"),
    "mixture_dtypes": (
        "ds.Mixture(ds.Categorical(probs=[.3, .7]), [ds.Normal(0., 1.), ds.Bernoulli(0.)])", "[1., 2.]"),
    "mixture_no_cat": ("ds.Mixture(ds.Bernoulli(0.), [ds.Normal(0., 1.)])", "[1., 2.]"),
    "same_family": (
        "ds.MixtureSameFamily(ds.Categorical(probs=[.3, .7]), ds.Normal([-1., 1.], [.1, .5]))", "[1., 2.]"),
    "same_family_vectors": (
        "ds.MixtureSameFamily(ds.Categorical(probs=[.3, .7]), "
        "ds.MultivariateNormalDiag([[-1., 1.], [1., -1.]], [1., 2.]), validate_args=True)", "[1., 2.]"),
    "same_family_count": (
        "ds.MixtureSameFamily(ds.Categorical(probs=[.3, .3, .4]), ds.Normal([-1., 1.], [.1, .5]))", "[1., 2.]"),
    "wishart": ("ds.WishartCholesky(4., [[1., 0.], [.5, 2.]])", "[[2., .1], [.1, 1.]]"),
    "wishart_factors": (
        "ds.WishartCholesky(4., [[1., 0.], [.5, 2.]], cholesky_input_output_matrices=True, validate_args=True)",
        "[[2., 0.], [.1, 1.]]"),
    "wishart_full": ("ds.WishartFull([3., 5.], [[[1., .1], [.1, 2.]]] * 2)", "[[2., .1], [.1, 1.]]"),
    "wishart_df": ("ds.WishartFull(1., [[1., .1], [.1, 2.]])", "[[2., .1], [.1, 1.]]"),
    "autoregressive": (
        "ds.Autoregressive(lambda x: ds.Independent(ds.Normal(.5 * x, 1.), 1), tf.zeros([3]), 3)", "[1., 2., 3.]"),
    "poisson_log_normal": ("ds.PoissonLogNormalQuadratureCompound([0., 1.], [.5, 1.], 4)", "[1., 3.]"),
    "poisson_hermite": (
        "ds.PoissonLogNormalQuadratureCompound(0., 1., quadrature_fn=ds.quadrature_scheme_lognormal_gauss_hermite)",
        "[1., 3.]"),
    "conditional": ("ds.ConditionalTransformedDistribution(ds.Normal([0., 1.], 1.), bs.Exp())", "[.2, .3]"),
}  # fmt: skip

KL.update({
    "independent": "ds.Independent(ds.Normal([0., 1.], 2.), 1), ds.Independent(ds.Normal([1., 1.], [3., 1.]), 1)",
    "independent_shapes": "ds.Independent(ds.Normal([0., 1.], 2.), 1), ds.Independent(ds.Normal([1.], 1.), 1)",
})  # fmt: skip

FUNCTIONS = {
    "softplus_inverse": "ds.softplus_inverse([1e-8, 1., 50.])",
    "fill_triangular": "ds.fill_triangular([[1., 2., 3., 4., 5., 6.]], upper=True)",
    "fill_triangular_inverse": "ds.fill_triangular_inverse([[1., 0.], [2., 3.]])",
    "matrix_diag_transform": "ds.matrix_diag_transform([[1., 0.], [2., 3.]], tf.exp)",
    "reduce_weighted": "ds.reduce_weighted_logsumexp([[1., 2.], [3., 4.]], [[1., -1.], [1., 2.]], 1, return_sign=True)",
    "tridiag": "ds.tridiag([[4., 3.]], [[1., 2., 3.]], [[1., 2.]])",
    "tridiag_nothing": "ds.tridiag()",
    "auto_correlation": "ds.auto_correlation([1., 3., 2., 5., 4.], max_lags=3)",
    "auto_correlation_axis": "ds.auto_correlation(np.arange(12., dtype='f').reshape([4, 3]), axis=0, normalize=False)",
    "percentile": "ds.percentile([[1., 5.], [3., 2.]], 30.)",
    "percentile_axis": "ds.percentile([[1., 5.], [3., 2.]], 30., axis=[1], interpolation='lower', keep_dims=True)",
    "percentile_kind": "ds.percentile([[1., 5.], [3., 2.]], 30., interpolation='mean')",
    "posterior": "ds.normal_conjugates_known_scale_posterior(ds.Normal(0., 5.), 2., tf.constant(6.), 3).mean()",
    "predictive": "ds.normal_conjugates_known_scale_predictive(ds.Normal(0., 5.), 2., tf.constant(6.), 3).stddev()",
    "seed_stream": "[str(ds.SeedStream(3, 'salt')()), ds.SeedStream(None, 's')()]",
}  # fmt: skip

KL_QUESTIONS = ["ds.kl_divergence(*d)", "d[0].kl_divergence(d[1])", "d[0].cross_entropy(d[1])"]
TABLES = ("core", "contrib", "vectors", "compound", "kl", "bijectors", "functions")


def asked(table):
    """{case: (what to make, a value, questions, questions about Python values)}."""
    if table == "kl":
        return {name: (pair, None, KL_QUESTIONS, []) for name, pair in KL.items()}
    if table == "functions":
        return {name: ("0", None, [text], []) for name, text in FUNCTIONS.items()}
    if table == "bijectors":
        return {
            name: (made, value, [text.replace("EV", str(ndims)) for text in BIJECTOR_QUESTIONS], BIJECTOR_PLAIN)
            for name, (made, value, ndims) in BIJECTORS.items()
        }
    return {name: (made, value, QUESTIONS, PLAIN) for name, (made, value) in globals()[table.upper()].items()}
