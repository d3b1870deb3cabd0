"""The image classifiers of `tf.contrib.slim.nets`: AlexNet, VGG, OverFeat, ResNet, Inception."""
