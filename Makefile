.PHONY: train test lint docs

train: ## README's first command
	python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/lenet train

test: ## README's second command
	python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/python -m pytest

lint: ## what CI asks of the code besides its tests
	.venv/bin/ruff check && .venv/bin/ruff format --check && .venv/bin/mypy

docs: ## the documentation as a site, in site/
	.venv/bin/pip install -e '.[docs]' && .venv/bin/mkdocs build --strict
