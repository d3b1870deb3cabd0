"""Linear operators and `tf.Module`. Run under TF 1.15's Python to record: python operator_cases.py OUT.json"""

import sys

import golden_facts
import numpy as np

R = np.random.RandomState(0)
A, B = R.randn(3, 3), R.randn(2, 2, 2)
COMPLEX = R.randn(3, 3) + 1j * R.randn(3, 3)
X3, X2, X5, X6, X4 = (R.randn(2, n, 2) for n in (3, 2, 5, 6, 4))
AXIS = R.randn(2, 3)
COLUMN, ROW = R.randn(2, 4), R.randn(4)
ROW = np.concatenate([[0.5], ROW[1:]])
COLUMN[:, 0] = 0.5
SPECTRUM = np.array([4.0, 1 + 1j, 2.0, 1 - 1j])


def cases(tf):
    """Name -> a function that builds the tensors; only values are compared."""
    found = {}
    make = tf.linalg
    full = make.LinearOperatorFullMatrix

    def fed(value):
        return tf.placeholder_with_default(value, None)

    def positive():
        return full(np.eye(3) * 4 + 0.3, is_self_adjoint=True, is_positive_definite=True)

    operators = {
        "full": (lambda: full(A), X3),
        "composition": (lambda: make.LinearOperatorComposition([full(A), full(A + 1)]), X3),
        "composition fed": (lambda: make.LinearOperatorComposition([full(fed(B)), full(B)]), X2),
        "blocks": (lambda: make.LinearOperatorBlockDiag([full(A), full(B)]), X5),
        "blocks fed": (lambda: make.LinearOperatorBlockDiag([full(fed(A)), full(fed(B))]), X5),
        "kronecker": (lambda: make.LinearOperatorKronecker([full(A), full(B)]), X6),
        "kronecker fed": (lambda: make.LinearOperatorKronecker([full(fed(A)), full(fed(B))]), X6),
        "adjoint": (lambda: make.LinearOperatorAdjoint(full(COMPLEX)), X3 + 1j),
        "inversion": (lambda: make.LinearOperatorInversion(full(A)), X3),
        "householder": (lambda: make.LinearOperatorHouseholder(AXIS), X3),
        "toeplitz": (lambda: make.LinearOperatorToeplitz(COLUMN, ROW), X4),
        "toeplitz fed": (lambda: make.LinearOperatorToeplitz(fed(COLUMN), fed(ROW)), X4),
        "circulant": (lambda: make.LinearOperatorCirculant(SPECTRUM, input_output_dtype=tf.complex128), X4 + 0j),
        "circulant real": (lambda: make.LinearOperatorCirculant(SPECTRUM.real, input_output_dtype=tf.float64), X4),
        "circulant 2d": (
            lambda: make.LinearOperatorCirculant2D(np.abs(COLUMN[:, :3]) + 1.0, input_output_dtype=tf.complex128),
            X6 + 0j,
        ),
        "circulant 3d": (
            lambda: make.LinearOperatorCirculant3D(np.abs(B[:1]) + 1.0, input_output_dtype=tf.complex128), X4 + 0j
        ),
        "zeros": (lambda: make.LinearOperatorZeros(3, dtype=tf.float64, batch_shape=[2]), X3),
        "diagonal": (lambda: make.LinearOperatorDiag(AXIS), X3),
        "triangular": (lambda: make.LinearOperatorLowerTriangular(A), X3),
        "update": (lambda: make.LinearOperatorLowRankUpdate(positive(), AXIS.T), X3),
        "positive kronecker": (lambda: make.LinearOperatorKronecker([positive(), positive()]).cholesky(), np.ones((9, 1))),
        "positive blocks": (lambda: make.LinearOperatorBlockDiag([positive(), positive()]).cholesky(), X6),
    }  # fmt: skip
    for name, (build, x) in operators.items():
        found.update(questions(tf, name, build, x))
    found.update(products(tf, make, full))
    found.update(mistakes(make, full))
    found.update(modules(tf))
    return {"values: " + name: case for name, case in found.items()}


def questions(tf, name, build, x):
    def solvable():
        operator = build()
        return [
            operator.solve(x),
            operator.solve(x, adjoint=True),
            operator.determinant(),
            operator.log_abs_determinant(),
        ]

    def products_of():
        operator = build()
        return [operator.matmul(x), operator.matmul(x, adjoint=True), operator.matvec(x[..., 0]),
                operator.matmul(np.swapaxes(x, -1, -2).conj(), adjoint_arg=True)]  # fmt: skip

    def elements():
        operator = build()
        sizes = [operator.shape_tensor(), operator.batch_shape_tensor(), operator.domain_dimension_tensor()]
        dense = operator.to_dense()
        return [dense, operator.diag_part(), operator.trace(), operator.add_to_tensor(dense), *sizes]

    def relatives():
        operator = build()
        found = [operator.adjoint().to_dense(), operator.matmul(operator).to_dense()]
        return (
            found if "zeros" in name else [*found, operator.inverse().to_dense(), operator.solve(operator).to_dense()]
        )

    made = {
        name + " products": products_of, name + " elements": elements, name + " relatives": relatives,
        name + " hints": lambda: tf.constant(
            [str([o.is_non_singular, o.is_self_adjoint, o.is_positive_definite, o.is_square, o.name]) for o in [build()]]
        ),
    }  # fmt: skip
    if "zeros" not in name:
        made[name + " solutions"] = solvable
    return made


def products(tf, make, full):
    kinds = {
        "diagonal": lambda: make.LinearOperatorDiag(AXIS[0]),
        "triangular": lambda: make.LinearOperatorLowerTriangular(A),
        "identity": lambda: make.LinearOperatorIdentity(3, dtype=tf.float64),
        "scaled": lambda: make.LinearOperatorScaledIdentity(3, np.float64(2.0)),
        "full": lambda: full(A),
        "inverse": lambda: full(A).inverse(),
    }
    found = {}
    for one, left in kinds.items():
        for other, right in kinds.items():

            def both(left=left, right=right):
                a, b = left(), right()
                made = [a.matmul(b), a.matmul(b, adjoint=True), a.solve(b)]
                return [tf.constant([type(m).__name__ for m in made]), *[m.to_dense() for m in made]]

            found[f"{one} times {other}"] = both
    return found


def mistakes(make, full):
    wide = R.randn(2, 3)
    return {
        "error: no operators": lambda: make.LinearOperatorComposition([]),
        "error: no list": lambda: make.LinearOperatorComposition(3),
        "error: dtypes": lambda: make.LinearOperatorBlockDiag([full(A), full(A.astype(np.float32))]),
        "error: hints": lambda: make.LinearOperatorKronecker([full(A, is_non_singular=True)], is_non_singular=False),
        "error: rectangles": lambda: make.LinearOperatorBlockDiag([full(wide)]),
        "error: sizes": lambda: make.LinearOperatorComposition([full(A), full(wide)]).to_dense(),
        "error: products": lambda: full(A).matmul(full(wide)),
        "error: solutions": lambda: full(A).solve(full(wide)),
        "error: adjoint hints": lambda: make.LinearOperatorAdjoint(
            full(A, is_self_adjoint=False), is_self_adjoint=True
        ),
        "error: inversion": lambda: make.LinearOperatorInversion(full(A, is_non_singular=False)),
        "error: inverse": lambda: full(wide).inverse(),
        "error: reflection": lambda: make.LinearOperatorHouseholder(AXIS, is_positive_definite=True),
        "error: definite": lambda: make.LinearOperatorHouseholder(AXIS).assert_positive_definite(),
        "error: toeplitz": lambda: make.LinearOperatorToeplitz(COLUMN, ROW[:3]),
        "error: circulant": lambda: make.LinearOperatorCirculant(SPECTRUM.real, is_self_adjoint=False),
        "error: depth": lambda: make.LinearOperatorCirculant2D(SPECTRUM),
        "error: zeros": lambda: make.LinearOperatorZeros(3, is_non_singular=True),
        "error: zeros square": lambda: make.LinearOperatorZeros(3, 2),
        "error: zeros size": lambda: make.LinearOperatorZeros(-3),
        "error: zeros type": lambda: make.LinearOperatorZeros(3.0),
        "error: dtype": lambda: full(A).matmul(A.astype(np.float32)),
    }


def modules(tf):
    class Part(tf.Module):
        def __init__(self, name=None):
            super().__init__(name)
            with self.name_scope:
                self.w = tf.Variable(1.0, name="w")
                self.fixed = tf.Variable(2.0, trainable=False, name="fixed")

        @tf.Module.with_name_scope
        def __call__(self, x):
            return x * self.w

    class WholeThing(tf.Module):
        def __init__(self):
            super().__init__()
            self.parts = [Part(), {"b": Part("other"), "a": tf.Variable(3.0)}]
            self.again = self.parts[0]
            self.matrix = tf.linalg.LinearOperatorDiag(tf.Variable([1.0]))

    def names():
        whole = WholeThing()
        lists = [whole.variables, whole.trainable_variables, whole.submodules]
        return tf.constant([str([whole.name] + [v.name for v in found]) for found in lists])

    return {
        "module": names,
        "module scope": lambda: tf.constant([Part("p")(tf.constant(2.0)).name]),
        "error: module name": lambda: tf.Module("a b"),
    }


if __name__ == "__main__":
    golden_facts.record(cases, sys.argv[1])
