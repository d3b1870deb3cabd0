"""`tf.contrib.quantize`: graphs that simulate arithmetic with few bits."""
