# `make run` and `make test` need only Python 3.11 to 3.13, make and the package registries; they set up all the rest.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: \
	run \
	test \
	check \
	bench \
	fuzz \
	kills \
	soak \
	screenshots \
	train-sprites \
	train-autoencoders \
	learn-factors \
	measure-factors \
	invert-study \
	landmarks \
	architecture \
	held-out \
	photo-pictures \
	wheel \
	prepare \
	prepare-dev \
	clean

run: prepare
	@$(BIN)/latentstudio models get faces-gan --yes || true
	@$(BIN)/latentstudio

test: prepare-dev
	@$(BIN)/python packaging/verify.py

# the quick half of `make test`: no stories, no wheel
check: prepare-dev
	@$(BIN)/python packaging/verify.py --quick

bench: prepare
	@$(BIN)/latentstudio models get faces-gan --yes
	@$(BIN)/latentstudio bench render sprites-b10
	@$(BIN)/latentstudio bench render faces-gan
	@$(BIN)/latentstudio bench startup

# 100,000 random actions over the real window; hours. make soak ACTIONS=3000 SEED=7
ACTIONS ?= 100000
soak: prepare
	@$(BIN)/python -m latentstudio.stories.soak --actions $(ACTIONS) --seed $(or $(SEED),12)

# changed files of every kind that the program reads: `make fuzz ARGS="--seed 2 --count 500 --kinds photo,session"`
fuzz: prepare-dev
	@$(BIN)/python -m tests.attack.fuzz $(ARGS)

# kill -9 at random moments of drag, save, learn and train, and a start after each
kills: prepare-dev
	@$(BIN)/python -m tests.attack.kills $(ARGS)

screenshots: prepare-dev
	@$(BIN)/latentstudio models get faces-gan --yes
	@$(BIN)/python packaging/screenshots.py

train-sprites: prepare
	@$(BIN)/latentstudio train sprites-b10 --resume --out models/sprites-b10

# hours on two cores; each goes on where it was stopped
train-autoencoders: prepare
	@$(BIN)/latentstudio models get faces-gan --yes
	@$(BIN)/latentstudio models get fashion-mnist --yes
	@$(BIN)/latentstudio models get features-efficientnet-lite0 --yes
	@for name in faces fashion-vae fashion-gan fashion-vaegan fashion-bigan fashion-avae fashion-avae-xi fashion-svae; do \
		$(BIN)/latentstudio train $$name --resume --out models/$$name || exit 1; done

learn-factors: prepare
	@$(BIN)/latentstudio models get faces-gan --yes
	@$(BIN)/python packaging/learn_factors.py

measure-factors: prepare
	@for name in x y scale; do $(BIN)/latentstudio factors evaluate sprites-b10 --factor $$name --count 500; done
	@for name in x y scale brightness; do $(BIN)/latentstudio factors evaluate faces-gan --factor $$name --count 200; done

# the comparisons of inversions in docs/studies/inversion; some minutes
invert-study: prepare
	@$(BIN)/latentstudio models get faces-gan --yes
	@$(BIN)/latentstudio models get features-efficientnet-lite0 --yes
	@$(BIN)/latentstudio invert-study faces-gan --targets generated --count 100 --out docs/studies/inversion

# what landmarks of other people say of the sliders of faces-gan; some minutes
landmarks: prepare
	@$(BIN)/latentstudio models get faces-gan --yes
	@$(BIN)/python packaging/landmarks.py

# the house in one drawing, from the imports
architecture: prepare-dev
	@$(BIN)/python packaging/architecture.py

held-out: prepare
	@$(BIN)/latentstudio models get faces-gan --yes
	@$(BIN)/python packaging/held_out.py

photo-pictures: prepare
	@$(BIN)/latentstudio models get faces-gan --yes
	@$(BIN)/latentstudio models get features-efficientnet-lite0 --yes
	@$(BIN)/python packaging/photo_pictures.py

wheel: prepare-dev
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist .

prepare:
	@$(PYTHON) packaging/prepare.py

prepare-dev:
	@$(PYTHON) packaging/prepare.py --dev

clean:
	rm -rf .venv dist build out
