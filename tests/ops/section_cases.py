"""`tf.CriticalSection`. Run under TF 1.15's Python to record: python section_cases.py OUT.json"""

import sys

import golden_facts


def cases(tf):
    """Name -> a function that builds the tensors."""

    def variable(name="v"):
        return tf.get_variable(name, initializer=1.0, use_resource=True)

    def counted():
        section, v = tf.CriticalSection(name="cs"), variable()

        def add():
            with tf.control_dependencies([v.assign_add(2.0)]):
                return v.read_value()

        return section.execute(add) + section.execute(add, name="second")

    def nested():
        section, x = tf.CriticalSection(shared_name="s"), tf.constant(3.0)
        found = section.execute(lambda: {"a": x * 2, "b": [x + 1]})
        return [found["a"], found["b"][0]]

    def own():
        section = tf.CriticalSection()
        return section.execute(lambda: section.execute(lambda: tf.constant(1.0)))

    def shared():
        v = variable()
        first, second = tf.CriticalSection(), tf.CriticalSection()
        one = first.execute(lambda: v.read_value(), exclusive_resource_access=False)
        return [one, second.execute(lambda: v.read_value(), exclusive_resource_access=False)]

    return {
        "counted": counted,
        "nested": nested,
        "not exclusive": shared,
        "error: own": own,
        "error: definition": lambda: tf.CriticalSection(name="a", critical_section_def=object()),
        "error: no definition": lambda: tf.CriticalSection(critical_section_def=object()),
    }


if __name__ == "__main__":
    golden_facts.record(cases, sys.argv[1])
