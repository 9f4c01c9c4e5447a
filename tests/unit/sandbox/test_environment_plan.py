"""Conda files in pip's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.environment import conda_spec, plan, twins
from sandbox.environment.masks import mask
from sandbox.model.errors import SandboxError


@pytest.mark.parametrize(
    ("text", "name", "specifier"),
    [
        ("numpy", "numpy", ""),
        ("numpy=1.26", "numpy", "==1.26.*"),
        ("numpy =1.26", "numpy", "==1.26.*"),
        ("numpy=1.26.*", "numpy", "==1.26.*"),
        ("numpy=1.26.4=py311h64a7726_0", "numpy", "==1.26.4"),
        ("numpy==1.26.4", "numpy", "==1.26.4"),
        ("numpy==1.26.*", "numpy", "==1.26.*"),
        ("numpy>=1.2,<2", "numpy", ">=1.2,<2"),
        ("numpy >= 1.2, < 2", "numpy", ">=1.2,<2"),
        ("numpy>=1.2.*", "numpy", ">=1.2"),
        ("numpy>=1.2=py39*", "numpy", ">=1.2"),
        ("numpy 1.26.*", "numpy", "==1.26.*"),
        ("numpy 1.26.4 py39_0", "numpy", "==1.26.4"),
        ("numpy[version='>=1.2,<2', build=py39_0]", "numpy", ">=1.2,<2"),
        ("numpy=*", "numpy", ""),
        ("numpy~=1.2", "numpy", "~=1.2"),
        ("numpy!=1.3", "numpy", "!=1.3"),
        ("numpy=2.0rc1", "numpy", "==2.0rc1"),
        ("conda-forge::numpy=1.2", "numpy", "==1.2.*"),
        ("https://someone.example/channel::numpy", "numpy", ""),
        ("Pillow=9", "pillow", "==9.*"),
        ("numpy=1.26 # the last before 2", "numpy", "==1.26.*"),
        ("numpy=1.2|1.3", "numpy", None),
        ("openssl=1.1.1w", "openssl", None),
    ],
)
def test_specifications(text, name, specifier):
    spec = conda_spec.parse(text)
    assert (spec.name, conda_spec.to_pip(spec.version)) == (name, specifier)


@pytest.mark.parametrize("text", ["", "=1.2", "numpy[version", "a b]c", "!", "numpy[[]]"])
def test_what_is_no_specification_is_refused(text):
    with pytest.raises(ValueError, match="is no"):
        conda_spec.parse(text)


numbers = st.lists(st.integers(0, 99), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
operators = st.sampled_from(["=", "==", ">=", "<=", ">", "<", "!=", "~="])


@given(st.lists(st.tuples(operators, numbers), min_size=1, max_size=3), st.booleans())
def test_every_specifier_that_comes_out_is_one_of_pip(clauses, spaced):
    from packaging.specifiers import SpecifierSet

    text = (" , " if spaced else ",").join(f"{operator}{version}" for operator, version in clauses)
    if text.startswith("=") and len(clauses) > 1:
        text = ">=0," + text  # a leading = takes no list
    specifier = conda_spec.to_pip(conda_spec.parse(f"numpy{text}").version)
    assert specifier is not None
    for clause in specifier.split(","):
        if not clause.startswith("~=") or "." in clause:  # ~=1 is refused by pip as it is by conda
            SpecifierSet(clause)


@given(numbers)
def test_one_equals_sign_takes_in_what_follows(version):
    from packaging.specifiers import SpecifierSet

    specifier = SpecifierSet(conda_spec.to_pip(f"={version}"))
    assert specifier.contains(version)
    assert specifier.contains(f"{version}.7")


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading(text):
    try:
        spec = conda_spec.parse(text)
    except ValueError:
        return
    conda_spec.to_pip(spec.version)
    conda_spec.accepts(spec.version, (3, 11))


@pytest.mark.parametrize(
    ("asked", "minors"),
    [
        ("=3.9", [9]),
        ("==3.9.13", [9]),
        ("3.9.*", [9]),
        (">=3.8", [8, 9, 10, 11, 12]),
        (">=3.8,<3.11", [8, 9, 10]),
        ("<3.10", [8, 9]),
        (">3.9", [10, 11, 12]),
        ("<=3.9", [8, 9]),
        ("<3.9.5", [8, 9]),
        (">3.9.5", [9, 10, 11, 12]),
        ("!=3.10", [8, 9, 11, 12]),
        ("!=3.10.1", [8, 9, 10, 11, 12]),
        ("~=3.9", [9, 10, 11, 12]),
        ("~=3.9.1", [9]),
        ("=3.8|=3.9", [8, 9]),
        ("=3", [8, 9, 10, 11, 12]),
        ("", [8, 9, 10, 11, 12]),
        ("*", [8, 9, 10, 11, 12]),
    ],
)
def test_which_pythons_fit(asked, minors):
    assert [minor for minor in range(8, 13) if conda_spec.accepts(asked, (3, minor))] == minors


# --- Twins -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conda", "pip"),
    [
        ("pytorch", "torch"),
        ("pytorch-cpu", "torch"),
        ("py-opencv", "opencv-python-headless"),
        ("scikit-learn", "scikit-learn"),
        ("typing_extensions", "typing-extensions"),
        ("ruamel.yaml", "ruamel.yaml"),
        ("msgpack-python", "msgpack"),
        ("psycopg2", "psycopg2-binary"),
        ("r-base", None),
        ("ffmpeg", None),
        ("some-inner-package", None),
    ],
)
def test_names(conda, pip):
    assert twins.on_pypi(conda) == pip


def test_the_tables_do_not_contradict_each_other():
    assert not twins.SAME & twins.CARRIED
    assert not twins.RENAMED.keys() & twins.SAME
    assert [name for name in twins.SAME if twins.normal(name) != name] == []
    assert [name for name in twins.RENAMED if twins.normal(name) != name] == []


# --- Whole files -----------------------------------------------------------------------------------------------------

AZURE_SAMPLE = {  # azureml-examples, model-1/environment/conda.yaml
    "name": "model-env",
    "channels": ["conda-forge"],
    "dependencies": ["python=3.9", "numpy=1.23.5", "pip=23.0.1", "scikit-learn=1.2.2", "scipy=1.10.1",
                     {"pip": ["azureml-defaults==1.53.0", "inference-schema[numpy-support]==1.5.1", "joblib==1.2.0"]}],
}  # fmt: skip


def test_a_sample_of_azure():
    found = plan.read(AZURE_SAMPLE)
    assert found.python == "=3.9"
    assert found.translated == ("numpy==1.23.5.*", "scikit-learn==1.2.2.*", "scipy==1.10.1.*")
    assert found.pip == ("azureml-defaults==1.53.0", "inference-schema[numpy-support]==1.5.1", "joblib==1.2.0")
    assert found.conda == ("numpy=1.23.5", "pip=23.0.1", "scikit-learn=1.2.2", "scipy=1.10.1")
    assert (found.channels, found.conda_only, found.notes) == (("conda-forge",), (), ())


def test_an_exported_file_needs_no_libraries_of_its_own():
    exported = ["_libgcc_mutex=0.1=main", "libffi=3.4.4=h6a678d5_0", "libweird=1=h0_0", "cudatoolkit=11.8", "mkl=2021",
                "numpy=1.26.4=py311h64a7726_0", "openssl=3.0.11=h7f8727e_2"]  # fmt: skip
    found = plan.read({"dependencies": exported})
    assert found.translated == ("numpy==1.26.4",)
    assert found.conda_only == ()
    assert found.notes == (
        (
            "not installed by itself: _libgcc_mutex, libffi, libweird, cudatoolkit, mkl and 1 more; "
            "the packages bring what they need of it"
        ),
    )


def test_what_only_conda_has_is_kept_as_written():
    found = plan.read({"dependencies": ["ffmpeg>=6", "numpy=1.2|1.3", "libsndfile", "numpy"]})
    assert found.conda_only == ("ffmpeg>=6", "numpy=1.2|1.3", "libsndfile")
    assert found.translated == ("numpy",)


def test_opencv_has_a_number_more_on_pypi():
    assert plan.read({"dependencies": ["opencv==4.9.0"]}).translated == ("opencv-python-headless==4.9.0.*",)


def test_variables_are_noted():
    assert "environment_variables" in plan.read({"variables": {"A": "1"}}).notes[0]


@pytest.mark.parametrize(
    "content", [{}, {"dependencies": None}, {"dependencies": []}, {"dependencies": [{"pip": None}]}]
)
def test_nothing_to_install_is_no_error(content):
    found = plan.read(content)
    assert (found.translated, found.pip, found.python) == ((), (), "")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"dependencies": "numpy"}, "no list"),
        ({"dependencies": ["numpy", None]}, "None"),
        ({"dependencies": [1.5]}, "1.5"),
        ({"dependencies": ["=1"]}, "=1"),
        ({"dependencies": [{"npm": ["x"]}]}, "npm"),
        ({"dependencies": [{"pip": "numpy"}]}, "pip"),
        ({"dependencies": [{"pip": [1]}]}, "pip"),
    ],
)
def test_what_is_wrong_is_named(content, named):
    with pytest.raises(SandboxError, match="E071") as caught:
        plan.read(content)
    assert named in caught.value.what


# --- Credentials -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Looking in indexes: https://me:s3@pkgs.example/simple",
            "Looking in indexes: https://***@pkgs.example/simple",
        ),
        ("https://tok-en@h/x, http://a:b@c/d", "https://***@h/x, http://***@c/d"),
        ("git+https://ghp_x@github.com/a/b@main", "git+https://***@github.com/a/b@main"),
        ("https://conda.anaconda.org/t/ab-12/private/linux-64", "https://conda.anaconda.org/t/***/private/linux-64"),
        ("https://h.blob.core/x.whl?sv=1&sig=AbC%2F=&se=2", "https://h.blob.core/x.whl?sv=1&sig=***&se=2"),
        ("numpy==1.26 from https://pypi.org/simple", "numpy==1.26 from https://pypi.org/simple"),
        ("mail someone@example.org", "mail someone@example.org"),
    ],
)
def test_credentials_are_masked(text, shown):
    assert mask(text) == shown


@given(st.text(st.characters(whitelist_categories=["L", "N"]), min_size=8, max_size=20))
def test_no_password_in_an_address_is_ever_shown(secret):
    secret = f"s3{secret}"
    assert secret not in mask(f"Could not fetch https://me:{secret}@pkgs.example/simple/numpy/: 401")
    assert secret not in mask(f"https://{secret}@pkgs.example")
