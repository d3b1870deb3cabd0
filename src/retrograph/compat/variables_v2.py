"""`tensorflow.python.ops.variables.Variable`: unlike `tf.Variable` of 1.15, TF 2's class, which makes resource variables."""

from __future__ import annotations

from typing import Any


def _variable_class() -> Any:
    from retrograph._namespace import resolve

    return resolve("", "Variable")


class _MakesResourceVariables(type):
    """Calling the class makes a resource variable; every variable is an instance of it."""

    def __call__(
        cls,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        **kwargs: Any,
    ) -> Any:
        return _variable_class()(
            initial_value,
            trainable=trainable,
            validate_shape=validate_shape,
            caching_device=caching_device,
            name=name,
            variable_def=variable_def,
            dtype=dtype,
            import_scope=import_scope,
            constraint=constraint,
            use_resource=True,
            **kwargs,
        )

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _variable_class())

    def __getattr__(cls, name: str) -> Any:
        return getattr(_variable_class(), name)


class Variable(metaclass=_MakesResourceVariables):
    """A resource variable. Source: TF 1.15 `tensorflow.python.ops.variables.Variable`."""
