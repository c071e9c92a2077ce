.PHONY: train test lint docs kernels wasm pages wheels bench attack

train: ## README's first command
	python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/lenet train

test: ## README's second command
	python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/python -m pytest

lint: ## what CI asks of the code besides its tests
	.venv/bin/ruff check && .venv/bin/ruff format --check && .venv/bin/mypy

docs: ## the documentation as a site, in site/
	.venv/bin/pip install -e '.[docs]' && .venv/bin/mkdocs build --strict

kernels: ## the C++ kernels, after a change in src/lenet/kernels/native/
	.venv/bin/python src/lenet/kernels/native/build.py

wasm: ## the same for web pages, which is committed; WASM=--check compares with what is there
	python3 -m venv .venv-wasm && .venv-wasm/bin/pip install -q 'pip>=25.1' && .venv-wasm/bin/pip install -q --group wasm
	.venv-wasm/bin/python tools/wasm.py $(WASM)

pages: ## the lab's page from its sources in web/, which is committed
	cd web && npm ci --silent && npm run --silent build

wheels: ## what a release publishes, for all platforms, in dist/
	python3 -m venv .venv-wheels && .venv-wheels/bin/pip install 'pip>=25.1' && .venv-wheels/bin/pip install --group wheels
	.venv-wheels/bin/python tools/wheels.py

bench: ## speed beside PyTorch and its peers
	.venv/bin/lenet bench train

attack: ## hours of kills, broken files and odd requests; see docs/concepts/reliability.md
	.venv/bin/python tools/attack.py
