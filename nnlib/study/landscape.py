"""The landscape: how wrong a network would be around where its training led it, and the path that it took.

A network's parameters are a point among a hundred thousand dimensions, its loss the height there. A map has
two: the directions in which the paths spread most (PCA of the trajectory, as in Li et al. 2018, "Visualizing
the Loss Landscape of Neural Nets", section 7). What a path does in all others is not on it: `Landscape.explained`
says how much is.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from nnlib.digits import Digits
from nnlib.errors import DataError, SettingError
from nnlib.network import Activation, CategoricalCrossEntropy, Network, count_parameters

MOST_LOSS = 1e6  # what is higher, or beyond all numbers, counts as this
MOST_TRAJECTORIES = 4  # more could not be told apart on one map
# points along a side, and digits read at each: the finest that takes few enough multiplications, or the last
DETAILS = ((65, 1000), (41, 500), (33, 300), (25, 200), (17, 100))
MOST_MULTIPLICATIONS = 2e11
COARSEST = 8  # the first look is at every eighth point of a side; each side is a multiple of it, and 1
MARGIN = 0.2  # of what the paths span, left around them
NARROWEST = 0.5  # the shorter side of a map, as a share of the longer: a straight path, too, has surroundings
PARAMETERS_AT_ONCE = 65_536  # in float64, so much of every moment: all at once would fill the memory


@dataclass(frozen=True)
class Trajectory:
    """Where a training has been: k moments, each after so many `epochs` (k,), with `parameters` (k, n_parameters)."""

    name: str
    widths: tuple[int, ...]
    activation: Activation
    epochs: tuple[float, ...]
    parameters: np.ndarray

    @classmethod
    def of(cls, name: str, moments: Iterable[tuple[float, Network]]) -> "Trajectory":
        """That of a training's networks in order, each with its epoch; DataError where there is none."""
        epochs, vectors, network = [], [], None
        for epoch, network in moments:  # one at a time: large networks with their gradients would fill the memory
            epochs.append(epoch)
            vectors.append(network.parameters)
        if network is None:
            raise DataError(f"{name} has no snapshot: a path needs at least one, so train for an epoch first.")
        return cls(name, network.widths, network.activation, tuple(epochs), np.stack(vectors))


@dataclass(frozen=True)
class Path:
    """A trajectory on the map: the `points` (k, 2) nearest to its moments, and the `loss` (k,) it truly had at each."""

    name: str
    epochs: tuple[float, ...]
    points: np.ndarray
    loss: np.ndarray


@dataclass(frozen=True)
class Landscape:
    """Loss and accuracy on a slice through all parameters, and the paths of trainings on it.

    `x` and `y` (n,) are distances along the two directions from the best moment of all, which lies at (0, 0), in
    the unit of the parameters; `loss` and `accuracy` (n, n) have a row for each y. `explained` is the share, 0 to 1,
    of the paths' squared distances from that moment that the map shows, every path counting the same. `done` is
    the share of the points that were evaluated so far: the others stand for now as a neighbour does.
    """

    x: np.ndarray
    y: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    paths: tuple[Path, ...]
    explained: float
    n_digits: int
    done: float

    def to_json(self) -> str:
        """All of it as one JSON object."""
        return json.dumps(asdict(self), default=np.ndarray.tolist)

    @classmethod
    def from_json(cls, text: str) -> "Landscape":
        """The landscape that `to_json` wrote."""
        values = json.loads(text)
        for name in ("x", "y", "loss", "accuracy"):
            values[name] = np.array(values[name])
        values["paths"] = tuple(
            Path(path["name"], tuple(path["epochs"]), np.array(path["points"]), np.array(path["loss"]))
            for path in values["paths"]
        )
        return cls(**values)


@dataclass(frozen=True)
class Plane:
    """A slice through all parameters: `origin` (n_parameters,) and orthonormal `directions` (2, n_parameters)."""

    origin: np.ndarray
    directions: np.ndarray

    def parameters_at(self, x: float, y: float) -> np.ndarray:
        """The parameters (n_parameters,) of a point of the plane."""
        return self.origin + np.float32(x) * self.directions[0] + np.float32(y) * self.directions[1]

    def project(self, parameters: np.ndarray) -> np.ndarray:
        """The nearest points of the plane, (k, 2), to k parameter vectors (k, n_parameters)."""
        points = np.zeros((len(parameters), 2))
        for part in _parts(self.origin):
            points += _differences(parameters, self.origin, part) @ self.directions[:, part].astype(np.float64).T
        return points


def explore(trajectories: Sequence[Trajectory], digits: Digits) -> Iterator[Landscape]:
    """Map the surroundings of some trajectories: ever finer landscapes, of which the last one is whole.

    The height is the mean cross-entropy on the first of `digits`, which should be new to all of them. How many
    are read, and how fine the map becomes, follows from the size of the network. Raises SettingError where the
    networks are of several forms, or too many.
    """
    widths, activation = _require_one_form(trajectories)
    side, n_digits = _detail(widths)
    surface = _Surface(widths, activation, digits[:n_digits])
    losses = [
        np.array([surface.loss_of(parameters) for parameters in trajectory.parameters]) for trajectory in trajectories
    ]
    best = min(range(len(losses)), key=lambda index: losses[index].min())
    origin = trajectories[best].parameters[losses[best].argmin()]
    plane, explained = span(trajectories, origin)
    paths = tuple(
        Path(trajectory.name, trajectory.epochs, plane.project(trajectory.parameters), loss)
        for trajectory, loss in zip(trajectories, losses, strict=True)
    )
    size = float(np.linalg.norm(origin.astype(np.float64)))
    x, y = _window(np.concatenate([path.points for path in paths]), size, side)
    surface.lay(plane)
    loss, accuracy, evaluated = np.zeros((side, side)), np.zeros((side, side)), 0
    for step, row, columns in _order(side):
        for column in columns:
            around = slice(row, row + step), slice(column, column + step)
            loss[around], accuracy[around] = surface.at(x[column], y[row])
        evaluated += len(columns)
        if step < COARSEST or row == side - 1:  # before, some points have nobody to stand for them
            done = evaluated / side**2
            yield Landscape(x, y, loss.copy(), accuracy.copy(), paths, explained, len(surface.labels), done)


def span(trajectories: Sequence[Trajectory], origin: np.ndarray) -> tuple[Plane, float]:
    """The plane through `origin` that the trajectories spread in most, and the share of their spread in it.

    Every trajectory counts the same, or one that went far would hide the others. Along each direction, the first
    one ends further to the right, or further up, than it began. Where fewer than two directions are needed, as for
    two moments or equal ones, the rest is drawn at random, always the same: each parameter by its own size, so
    that no layer is upset more than another.
    """
    parts = _parts(origin)
    products = sum(differences @ differences.T for differences in (_all(trajectories, origin, part) for part in parts))
    ends = np.cumsum([len(trajectory.epochs) for trajectory in trajectories])[:-1]
    scales = np.concatenate([_equal_scales(squares) for squares in np.split(products.diagonal(), ends)])
    # the moments' products have the same main components as the parameters' covariance, and are a tiny matrix
    variances, components = np.linalg.eigh(products * np.outer(scales, scales))
    total = variances.sum()
    main = [index for index in range(len(variances))[:-3:-1] if variances[index] > 1e-9 * total]
    directions = np.random.default_rng(0).standard_normal((2, len(origin))) * (np.abs(origin) if origin.any() else 1)
    for part in parts:
        directions[: len(main), part] = (scales * components[:, main].T) @ _all(trajectories, origin, part)
    first = trajectories[0].parameters
    way = first[-1].astype(np.float64) - first[0]
    directions[0] /= np.linalg.norm(directions[0])
    directions[1] -= (directions[1] @ directions[0]) * directions[0]
    directions[1] /= np.linalg.norm(directions[1])
    directions[directions @ way < 0] *= -1
    explained = min(1.0, float(variances[main].sum() / total)) if main else 1.0
    return Plane(origin, directions.astype(np.float32)), explained


class _Surface:
    """The loss of a network with any parameters, on digits that stay the same."""

    def __init__(self, widths: tuple[int, ...], activation: Activation, digits: Digits) -> None:
        if not len(digits):
            raise DataError("there are no digits to read: take at least one.")
        self.images, self.labels = digits.images, digits.labels
        self.network = Network(widths, activation)
        self.loss = CategoricalCrossEntropy()

    def loss_of(self, parameters: np.ndarray) -> float:
        """The mean cross-entropy with these parameters, (n_parameters,)."""
        self.network.parameters[:] = parameters
        with np.errstate(over="ignore", invalid="ignore"):
            return self._measured(self.network.forward(self.images))[0]

    def lay(self, plane: Plane) -> None:
        """Prepare for many points of a plane.

        The first layer, most of the work, is linear in its parameters: what it makes of the images anywhere on
        the plane is a sum of what the origin and the two directions make of them.
        """
        self.sums = []
        for vector in (plane.origin, *plane.directions):
            self.network.parameters[:] = vector
            self.sums.append(self.network.dense_layers[0].forward(self.images))
        first = self.network.dense_layers[0]
        self.beyond = slice(first.weights.size + first.biases.size, None)
        self.rest = Plane(plane.origin[self.beyond], plane.directions[:, self.beyond])

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The mean cross-entropy, and the share that is read right, at a point of the plane that was laid."""
        # far away from all paths, numbers may grow beyond float32: such a point is as high as any
        with np.errstate(over="ignore", invalid="ignore"):
            self.network.parameters[self.beyond] = self.rest.parameters_at(x, y)
            values = self.sums[0] + np.float32(x) * self.sums[1] + np.float32(y) * self.sums[2]
            for layer in self.network.layers[1:]:
                values = layer.forward(values)
            return self._measured(values)

    def _measured(self, scores: np.ndarray) -> tuple[float, float]:
        loss = self.loss.forward(scores, self.labels)
        accuracy = float(np.mean(self.loss.predictions == self.labels))
        return (min(loss, MOST_LOSS) if np.isfinite(loss) else MOST_LOSS), accuracy


def _order(side: int) -> Iterator[tuple[int, int, list[int]]]:
    """Which points to evaluate, row by row: every eighth of a side first, then those between; and their distance."""
    step = COARSEST
    while step:
        for row in range(0, side, step):
            known = step < COARSEST and row % (2 * step) == 0  # every other point of it
            yield step, row, [column for column in range(0, side, step) if not known or column % (2 * step)]
        step //= 2


def _require_one_form(trajectories: Sequence[Trajectory]) -> tuple[tuple[int, ...], Activation]:
    n = len(trajectories)
    if not 1 <= n <= MOST_TRAJECTORIES:
        raise SettingError(
            f"a landscape is asked for {n} runs: it takes 1 to {MOST_TRAJECTORIES}, so choose "
            f"{'fewer' if n else 'one'}."
        )
    first, *others = trajectories
    for other in others:
        if (other.widths, other.activation) != (first.widths, first.activation):
            forms = [f"{each.name} is {'-'.join(map(str, each.widths))}, {each.activation}" for each in (first, other)]
            raise SettingError(
                f"{', but '.join(forms)}: only networks with the same layers and activation have one landscape, so "
                f"choose such runs."
            )
    return first.widths, first.activation


def _detail(widths: Sequence[int]) -> tuple[int, int]:
    """Points along a side, and digits to read at each, for a network of these widths."""
    multiplications = count_parameters(widths[1:])  # the first layer's are made once
    return next(
        ((side, digits) for side, digits in DETAILS if side**2 * digits * multiplications <= MOST_MULTIPLICATIONS),
        DETAILS[-1],
    )


def _window(points: np.ndarray, size: float, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The coordinates, (side,) each way, of a map that holds all points (k, 2) with a margin.

    Where all are one, it shows what is around it up to half the `size` of the parameters.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    longest = float((high - low).max())
    if not longest > 1e-6 * size:
        longest = size or 1.0
    span = np.maximum(high - low, NARROWEST * longest) * (1 + 2 * MARGIN)
    middle = (low + high) / 2
    x, y = np.linspace(middle - span / 2, middle + span / 2, side).T
    return x, y


def _equal_scales(squares: np.ndarray) -> np.ndarray:
    """Factors (k,) for the moments of a trajectory, whose squared distances are given, that make its spread 1."""
    total = squares.sum()
    return np.full(len(squares), 1 / np.sqrt(total) if total > 0 else 0.0)


def _parts(parameters: np.ndarray) -> list[slice]:
    return [slice(start, start + PARAMETERS_AT_ONCE) for start in range(0, len(parameters), PARAMETERS_AT_ONCE)]


def _differences(parameters: np.ndarray, origin: np.ndarray, part: slice) -> np.ndarray:
    """How far k parameter vectors are from the origin, (k, n) of their parameters."""
    return parameters[:, part].astype(np.float64) - origin[part]


def _all(trajectories: Sequence[Trajectory], origin: np.ndarray, part: slice) -> np.ndarray:
    return np.concatenate([_differences(trajectory.parameters, origin, part) for trajectory in trajectories])
