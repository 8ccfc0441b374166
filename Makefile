# make book, make test: all a newcomer needs. Each target sets itself up; a second call does no set-up work.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(VENV)/.ready
NOTEBOOKS := $(wildcard book/*/*.ipynb)
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup book book-zip pdf slides problems serve test test-unit test-notebooks test-browser test-lowest test-install test-colab links check format pair run mutants ring damage creativity table checkpoints live-maps bench bench-gpu clean distclean augmentation judges usefulness frames medicine levels questions data-size worlds campaign bandit tools sprites characters flow sentence binding worksheets volatility latent

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(READY) ## make .venv with everything that is needed

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one with make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@echo "installing into $(VENV): about 6 GB with PyTorch, some minutes"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[book,test,check,browser]'
	@touch $@

book: $(READY) ## build the book to _build/html from the stored outputs; warnings are errors
	$(BIN)/jupyter-book build . --all -W --keep-going --quiet
	$(BIN)/python scripts/site/library_wheel.py
	@echo "the book is at _build/html/index.html; open that file, or read it with: make serve"

book-zip: book ## one archive of the book to read anywhere, _build/imggen-book.zip
	$(BIN)/python scripts/site/archive.py

pdf: book ## the whole book on paper, _build/imggen-book.pdf, printed by Chromium
	$(BIN)/python scripts/site/pdf.py

slides: book ## every chapter as slides, _build/slides/NAME.pdf, printed by Chromium (NAME=gan_theory for one)
	$(BIN)/python scripts/site/slides.py $(NAME)

problems: $(READY) ## further problems for a class, with the numbers of a seed: SEED=7, and SOLUTIONS=1 for the answers
	$(BIN)/python scripts/teach/sheets.py $(SEED) $(if $(SOLUTIONS),--solutions)

serve: ## read the book at http://localhost:8000
	@test -f _build/html/index.html || $(MAKE) book
	$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory _build/html

test: test-unit test-notebooks ## the unit tests, then every notebook with its outputs compared

test-unit: $(READY) ## the unit tests alone, about five minutes
	$(BIN)/python -m pytest tests -q -rs -n 2 --ignore tests/browser

test-notebooks: $(READY) ## pytest --nbval over every notebook, each alone in an empty folder
	$(BIN)/python scripts/check/test_notebooks.py

test-browser: book ## every page in Chromium with the network cut (SHOTS=1 writes pictures of them to _build/screenshots)
	$(BIN)/python -m pytest tests/browser -q -rs -n 2 --dist worksteal $(if $(SHOTS),--screenshots)

test-lowest: ## the unit tests with the oldest dependencies that pyproject.toml allows, in .venv-lowest
	test -x .venv-lowest/bin/python || $(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --upgrade pip uv
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable '.[test]'
	.venv-lowest/bin/uv pip uninstall --quiet --python .venv-lowest/bin/python onnxscript # ONNX needs a newer PyTorch, and the oldest trips over it
	.venv-lowest/bin/python -m pytest tests -q -n 2 --ignore tests/book --ignore tests/browser -W ignore::DeprecationWarning

test-install: ## each notebook alone where the library is missing: its first cell must install it (NB=book/PART/x.ipynb for one)
	$(PYTHON) scripts/check/test_install.py $(NB)

test-colab: book ## every notebook with the versions that Colab has, in .venv-colab (NB=book/PART/x.ipynb for one)
	$(PYTHON) scripts/check/test_colab.py $(NB)

links: ## ask every address that the book and the library name whether it still answers
	$(PYTHON) scripts/check/links.py

check: $(READY) ## ruff, formatting, types, workflows, notebook pairing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(wildcard .github/workflows/*.yml)
	$(BIN)/python scripts/write/notebooks.py check

format: $(READY) ## let ruff mend what it can
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .
	$(BIN)/python scripts/write/notebooks.py format

pair: $(READY) ## carry edits of the .md files over into the notebooks, keeping stored outputs
	$(BIN)/python scripts/write/notebooks.py pair

# Tests share the machine, one thread each; what runs alone gets all of it. The table's seconds are those of one thread.
run checkpoints bench bench-gpu: export OMP_NUM_THREADS = $(shell $(PYTHON) -c 'import os; print(os.cpu_count())')

run: $(READY) ## execute every notebook in place and store its outputs (NB=book/PART/x.ipynb for one)
	$(BIN)/python scripts/write/notebooks.py run $(NB)

mutants: $(READY) ## change the equations' formulas one by one and count how many of the wrong ones the tests catch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[mutants]'
	$(BIN)/python scripts/check/mutants.py

ring: $(READY) ## count the modes that each GAN loss finds, five seeds each, and record it (half an hour alone)
	$(BIN)/python scripts/records/ring.py
	$(BIN)/python scripts/records/ring.py --beta1 0.5 --out imggen_lib/measured/ring_momentum.json

damage: $(READY) ## measure which metric notices which damage, and record it (ten minutes)
	$(BIN)/python scripts/records/damage.py

augmentation: $(READY) ## what augmentation is worth to a GAN of 300 images, and record it (half an hour alone)
	$(BIN)/python scripts/records/augmentation.py

judges: $(READY) ## measure whether the order of the shipped models changes with the network that looks (minutes)
	$(BIN)/python scripts/records/judges.py

usefulness: $(READY) ## train classifiers on generated images, test them on real ones, and record it (ten minutes)
	$(BIN)/python scripts/records/usefulness.py

questions: $(READY) ## what the page of frequent questions needs beside the other records (minutes)
	$(BIN)/python scripts/records/questions.py

data-size: $(READY) ## how many images a GAN needs: five sizes, three seeds, with augmentation and without, recorded (an hour alone)
	$(BIN)/python scripts/records/data_size.py

latent: $(READY) ## train flows of codes and their one-step students, three seeds, measure them, and record it (half an hour)
	$(BIN)/python scripts/records/latent.py train
	$(BIN)/python scripts/records/latent.py measure

flow: $(READY) ## what a flow of pixels is worth: steps, guidance, processor time, likelihood, recorded (an hour alone)
	$(BIN)/python scripts/records/flow.py
	$(BIN)/python scripts/records/flow.py --model fashion-flow

medicine: $(READY) ## train the models of normal X-rays, and measure whether generated ones help a classifier (fifteen minutes)
	$(BIN)/python scripts/records/chest.py
	$(BIN)/python scripts/records/chest_cases.py
	$(BIN)/python scripts/records/medicine.py
	$(BIN)/python scripts/records/supervised.py

smaller: $(READY) ## train the small generators, measure them with everything they are compared with, and ship them (two hours)
	$(BIN)/python scripts/records/smaller.py train
	$(BIN)/python scripts/records/smaller.py measure
	$(BIN)/python scripts/records/smaller.py times
	$(BIN)/python scripts/records/smaller.py pages
	$(BIN)/python scripts/records/smaller.py ship

levels: $(READY) ## train the models of platform levels, measure and search, and record it (ten minutes)
	$(BIN)/python scripts/records/levels.py train
	$(BIN)/python scripts/records/levels.py measure

worlds: $(READY) ## train the generator of land, measure it beside noise, erosion and real land, and record it (an hour)
	$(BIN)/python scripts/records/worlds.py train
	$(BIN)/python scripts/records/worlds.py measure
	$(BIN)/python scripts/records/worlds.py ablate

campaign: $(READY) ## choose garments, draw campaigns and check every banner beside its baselines, and record it (ten minutes)
	$(BIN)/python scripts/records/campaign.py

bandit: $(READY) ## what clicks can tell: samples, looking every day, choosing while it runs, and record it (a minute)
	$(BIN)/python scripts/records/bandit.py

tools: $(READY) ## the book's decoder in every tool, each in an environment of its own, and record it (ten minutes; TOOLS_KEEP=1 keeps them)
	$(BIN)/python scripts/tools/make.py $(TOOL)

sprites: $(READY) ## train the small GAN of items, and record how it compares with a palette swap (ten minutes)
	$(BIN)/python scripts/records/sprites.py train
	$(BIN)/python scripts/records/sprites.py measure

sentence: $(READY) ## train the painter that listens to sentences and its reader, measure obedience, and record it (half an hour)
	$(BIN)/python scripts/records/sentence.py train
	$(BIN)/python scripts/records/sentence.py measure

binding: $(READY) ## train the painter of two coloured glyphs and its twin that hears a bag of words, and record who gets which colour, three seeds (half an hour)
	$(BIN)/python scripts/records/binding.py train
	$(BIN)/python scripts/records/binding.py measure
	$(BIN)/python scripts/records/binding.py learning
	$(BIN)/python scripts/records/binding.py seeds

characters: $(READY) ## train the model of characters, measure it beside its rivals, and record it (half an hour)
	$(BIN)/python scripts/records/characters.py train
	$(BIN)/python scripts/records/characters.py measure

worksheets: $(READY) ## screen the hands that may write worksheets, measure them beside a font and real digits, and record it (three minutes)
	$(BIN)/python scripts/records/worksheets.py
volatility: $(READY) ## train the VAEs of volatility surfaces, measure them beside a Gaussian and a fit, and record it (twenty minutes)
	$(BIN)/python scripts/records/volatility.py train
	$(BIN)/python scripts/records/volatility.py measure

creativity: $(READY) ## compare Creative Adversarial Networks with the same GAN, and record it (twenty minutes)
	$(BIN)/python scripts/records/creativity.py

table: $(READY) ## train and measure every GAN loss, VAE variant and flow, three seeds each (many hours on a CPU)
	$(BIN)/python scripts/records/table.py

checkpoints: $(READY) ## train, measure and release the models that ship with the package (hours on a CPU)
	$(BIN)/python scripts/records/checkpoints.py

live-maps: $(READY) ## what the live demos know from data: after a model was trained anew (minutes)
	$(BIN)/python scripts/records/live_maps.py
	$(BIN)/python scripts/records/chest_cases.py

frames: $(READY) ## how many pictures a second the explorer shows while a slider is dragged, for every model (a minute; wants quiet)
	$(BIN)/python scripts/check/frames.py

bench: $(READY) ## speed and quality for the time beside other projects, recorded (an hour; wants the machine to itself)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	PYTHONPATH=scripts:scripts/records $(BIN)/python -m bench

bench-gpu: $(READY) ## the throughput on a GPU beside the peers', and how busy the GPU is (ten minutes)
	PYTHONPATH=scripts:scripts/records $(BIN)/python -m bench.gpu

clean: ## remove what was built (not .venv)
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache *.egg-info build dist
	find . -name __pycache__ -not -path './.venv*' -exec rm -rf {} +

distclean: clean ## remove .venv as well
	rm -rf $(VENV) .venv-lowest .venv-colab .venv-tools
