"""How the project is laid out: which way imports point, what a server may do, what the README says."""

import ast
import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from nnlib.cli import cli
from nnlib.runs.store import MOST_WAITING

ROOT = Path(__file__).parents[1]

# each room, and each module, may import only what stands before it
ORDER = {
    "words": (),
    "errors": (),
    "files": (),
    "network": ("layers", "losses", "optimizers", "network"),
    "digits": (
        "mnist",
        "hands",
        "augmentation",
        "pictures",
        "ruling",
        "paper",
        "ink",
        "drawing",
        "cutting",
        "non_digits",
    ),
    "training": ("config", "recipe", "blas", "partner", "halves", "trainer", "advice", "rate_finder", "__main__"),
    "study": (
        "evaluation",
        "calibration",
        "distributions",
        "landscape",
        "evidence",
        "neighbours",
        "labels",
        "peculiarities",
        "comparison",
    ),
    "model_files": (),
    "likeness": (),
    "reading": (),
    "runs": (
        "processes",
        "database",
        "run",
        "corrections",
        "verdicts",
        "store",
        "worker",
        "race",
        "transfer",
        "teaching",
        "__main__",
    ),
    "benchmark": (),
    "cli": (),
    "__main__": (),
}
ROOMS = {room: modules for room, modules in ORDER.items() if modules}
NOT_FOR_NNLIB = {"streamlit", "streamlit_drawable_canvas", "plotly", "pandas", "altair", "dashboard"}

FILES = {
    ".".join(path.relative_to(ROOT / "nnlib").with_suffix("").parts): path
    for path in sorted((ROOT / "nnlib").rglob("*.py"))
    if path != ROOT / "nnlib" / "__init__.py"
}
MODULES = {name: path for name, path in FILES.items() if path.stem != "__init__"}


def imports(path: Path) -> set[str]:
    """The full names of all modules that a file imports, wherever in it that stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are written in full"
            # from nnlib import cli
            found.update(
                f"{node.module}.{alias.name}" if node.module in ("nnlib", "dashboard") else str(node.module)
                for alias in node.names
            )
    return found


def own_imports(path: Path) -> set[str]:
    """The modules of nnlib among them, without the package's name."""
    return {name.removeprefix("nnlib.") for name in imports(path) if name.startswith("nnlib.")}


# --- imports ---


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    room, _, name = module.partition(".")
    assert room in ORDER, f"nnlib/{room} is new: say in ORDER where it stands"
    assert not name or name in ORDER[room], f"nnlib/{room}/{name}.py is new: say in ORDER where it stands"
    rooms = list(ORDER)
    for found in own_imports(MODULES[module]):
        other, _, part = found.partition(".")
        if other == room:
            assert ORDER[room].index(part) < ORDER[room].index(name), found
        else:
            assert rooms.index(other) < rooms.index(room), found


@pytest.mark.parametrize("module", MODULES)
def test_a_room_is_entered_by_its_door(module: str) -> None:
    room = module.partition(".")[0]
    others = {found for found in own_imports(MODULES[module]) if found.partition(".")[0] != room}
    assert not {found for found in others if "." in found}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_and_hands_out_its_names(room: str) -> None:
    door = importlib.import_module(f"nnlib.{room}")
    assert door.__doc__
    tree = ast.parse(FILES[f"{room}.__init__"].read_text(encoding="utf-8"))
    handed_out = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(door.__all__) == sorted(handed_out)
    assert all(hasattr(door, name) for name in door.__all__)


def test_pages_and_figures_enter_rooms_by_their_doors() -> None:
    for path in (ROOT / "dashboard").rglob("*.py"):
        assert not {name for name in imports(path) if name.startswith("nnlib.") and name.count(".") > 1}, path.name


@pytest.mark.parametrize("module", FILES)
def test_nnlib_knows_nothing_of_pages_and_figures(module: str) -> None:
    packages = {name.split(".")[0] for name in imports(FILES[module])}
    assert not packages & NOT_FOR_NNLIB


@pytest.mark.parametrize("module", ROOMS["network"])
def test_mathematics_needs_nothing_but_numpy(module: str) -> None:
    path = FILES[f"network.{module}"]
    packages = {name.split(".")[0] for name in imports(path)}
    assert packages <= {"numpy", "nnlib"} | sys.stdlib_module_names
    assert all(name.startswith("network.") for name in own_imports(path))


@pytest.mark.parametrize("module", ["nnlib", *(f"nnlib.{name}" for name in MODULES if not name.endswith("__main__"))])
def test_import_loads_no_streamlit(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}} & {NOT_FOR_NNLIB!r})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert loaded.stdout.strip() == ""


def test_tests_mirror_the_rooms() -> None:
    for path in (ROOT / "tests" / "nnlib").rglob("test_*.py"):
        module = ".".join(path.relative_to(ROOT / "tests" / "nnlib").with_suffix("").parts).replace("test_", "")
        assert module in MODULES, f"{path} is the test of no module"


def test_pages_do_not_import_each_other() -> None:
    for path in (ROOT / "dashboard" / "views").glob("*.py"):
        assert not any(name.startswith("dashboard.views") for name in imports(path)), path.name


def test_figures_and_pictures_know_no_streamlit() -> None:
    for path in (*(ROOT / "dashboard" / "figures").glob("*.py"), ROOT / "dashboard" / "images.py"):
        found = imports(path)
        assert "streamlit" not in {name.split(".")[0] for name in found}, path.name
        own = {name for name in found if name.startswith("dashboard.")}
        assert all(name.startswith("dashboard.figures") or name == "dashboard.images" for name in own), path.name


def test_parts_know_no_page() -> None:
    for path in (ROOT / "dashboard" / "parts").glob("*.py"):
        assert not any(name.startswith("dashboard.views") for name in imports(path)), path.name


def test_every_cache_of_the_server_is_bounded() -> None:
    for path in (ROOT / "dashboard").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.args.args:
                for cache in (each for each in node.decorator_list if "st.cache" in ast.unparse(each)):
                    assert "max_entries" in ast.unparse(cache), (
                        f"{path.name}: {node.name} keeps all that it was ever asked for"
                    )


def test_every_number_field_in_the_address_is_guarded() -> None:
    # at ?x=inf, Streamlit fails in its own code, where no page can catch it
    for path in (ROOT / "dashboard").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            given = {each.arg: ast.unparse(each.value) for each in getattr(node, "keywords", ())}
            if "bind" in given and ast.unparse(node).startswith(("st.number_input", "st.slider")):
                assert given["bind"] == f"session.bind_number({given['key']})", f"{path.name}: {given['key']}"


def test_a_page_stays_one_short_file() -> None:
    for path in (ROOT / "dashboard" / "views").glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 200, path.name


# --- files ---


def test_no_package_among_the_tests() -> None:
    # tests/nnlib would be taken for nnlib
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_no_folder_that_streamlit_takes_for_pages() -> None:
    # with one, the first visitor of a server who asks for a page gets it without what page.py does
    assert not (ROOT / "dashboard" / "pages").exists()


def test_every_view_is_in_the_navigation() -> None:
    home = (ROOT / "dashboard" / "page.py").read_text(encoding="utf-8")
    for path in (ROOT / "dashboard" / "views").glob("*.py"):
        assert path.stem == "__init__" or path.name in home


def test_server_is_for_this_machine_and_takes_little() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["address"] == "localhost"
    assert config["server"]["maxUploadSize"] <= 100  # megabytes: a whole run may have as many
    assert config["server"].get("enableCORS", True)
    assert config["server"].get("enableXsrfProtection", True)
    assert config["server"]["showEmailPrompt"] is False
    assert config["browser"]["gatherUsageStats"] is False


# --- the README ---


def commands() -> list[str]:
    """Every line of the README's code blocks, and everything set as code within its text."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    within = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return [line.strip().removeprefix("$ ") for line in [*"\n".join(blocks).splitlines(), *within]]


def test_readme_installs_and_runs_in_one_line_each() -> None:
    assert "pip install -r requirements.txt && streamlit run dashboard/Home.py" in commands()
    assert "pip install -r requirements-dev.txt && pytest" in commands()
    for name in ("requirements.txt", "requirements-dev.txt", "dashboard/Home.py"):
        assert (ROOT / name).is_file()


@pytest.mark.parametrize(
    "line", sorted({line for line in commands() if line.startswith(("python -m nnlib ", "nnlib "))})
)
def test_readme_commands_are_understood(line: str) -> None:
    words = shlex.split(line.removeprefix("python -m "), comments=True)[1:]
    with click.Context(cli, info_name="nnlib") as context:
        if words[0].startswith("-"):
            assert words[0] in context.help_option_names or words[0] == "--help"
            return
        name, command, rest = cli.resolve_command(context, words)
        assert command is not None
        try:
            command.make_context(name, rest, parent=context)
        except click.exceptions.Exit:
            assert "--help" in rest


def test_readme_commands_name_files_that_are_there_or_that_they_made() -> None:
    made: set[str] = set()
    suffixes = re.compile(r"[\w./-]+\.(?:png|jpg|safetensors|npz|pkl|txt|py)\b")
    lines = [line for line in commands() if " " in line]
    assert any("predict" in line for line in lines)
    for line in lines:
        if "--save" in line:
            made.update(suffixes.findall(line.partition("--save")[2]))
        for name in suffixes.findall(line):
            assert name in made or (ROOT / name).is_file(), line


def test_every_package_is_installed() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in ("nnlib", "dashboard")
        for path in (ROOT / package).rglob("__init__.py")
    }
    assert set(pyproject["tool"]["setuptools"]["packages"]) == folders
    for package, patterns in pyproject["tool"]["setuptools"]["package-data"].items():
        for pattern in patterns:
            assert list((ROOT / package).glob(pattern)), pattern
    others = [path for path in (ROOT / "dashboard").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    patterns = pyproject["tool"]["setuptools"]["package-data"]["dashboard"]
    assert set(others) == {path for pattern in patterns for path in (ROOT / "dashboard").glob(pattern)}
    (settings,) = pyproject["tool"]["setuptools"]["data-files"].values()
    assert all((ROOT / file).is_file() for file in settings)


def test_requirements_are_those_of_the_dashboard() -> None:
    assert "-e .[dashboard]" in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()


def test_the_installed_command_is_the_command_line() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    module, _, name = pyproject["project"]["scripts"]["nnlib"].partition(":")
    assert getattr(importlib.import_module(module), name) is importlib.import_module("nnlib.__main__").main


def test_readme_says_what_depends_on_the_machine_and_how_long_the_line_may_be() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (heads,) = [line for line in text.splitlines() if line.startswith("| preset ")]
    assert "test accuracy, about" in heads
    assert f"at most {MOST_WAITING} more wait in line" in text.partition("## In a classroom")[2]


def test_readme_names_files_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text)
    for target in targets:
        # pictures are taken once all pages are done
        if "://" not in target and not target.startswith("docs/screenshots/"):
            assert (ROOT / target).exists(), target
