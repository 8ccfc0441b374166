"""The type checker behind the shapes in the signatures, as pytest installs it (see pyproject.toml): an int is a float."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
