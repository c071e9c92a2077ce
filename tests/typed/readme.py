import lenet

run = lenet.train(dataset="fashion-mnist", seed=0)
print(run.result.test_accuracy)

evaluation = lenet.evaluate(run)
print(evaluation.accuracy, evaluation.interval)

network, card = lenet.load("latest")  # an nn.Sequential, and what its file says about it

from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
classifier = lenet.LeNetClassifier(epochs=20).fit(images[:1500], labels[:1500])
print(classifier.score(images[1500:], labels[1500:]))

from lenet import d2l
