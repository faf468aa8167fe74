"""Liver, gallbladder, spleen, stomach, pancreas, kidneys, adrenal glands and bladder."""

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.fields import Volume
from iunet_med.datasets.simulation.torso.build import Build
from iunet_med.datasets.simulation.torso.canvas import Canvas
from iunet_med.datasets.simulation.torso.names import ORGAN_VALUES
from iunet_med.datasets.simulation.torso.shapes import beside, common, curve, ellipsoid, tube, turn
from iunet_med.datasets.simulation.torso.tissues import AIR, Tissues
from iunet_med.datasets.simulation.torso.trunk import Trunk


class Abdomen:
    """Paints the organs below the diaphragm of one person.

    Args:
        canvas, trunk, build, tissues: the person.
        grain: fields of mean 0 and variance 1 that vary over centimetres and over millimetres.
        rng: where the organs lie, and what is in them.
    """

    def __init__(
        self,
        canvas: Canvas,
        trunk: Trunk,
        build: Build,
        tissues: Tissues,
        grain: tuple[Volume, Volume],
        rng: np.random.Generator,
    ) -> None:
        self.canvas, self.trunk, self.build, self.tissues, self.rng = canvas, trunk, build, tissues, rng
        self.coarse, self.fine = grain

    def size(self, organ: str) -> float:
        """Length of an organ relative to the mean."""
        return self.build.organ_scale.get(organ, 1.0)

    def place(self, centre: tuple[float, float, float], spread_mm: float) -> tuple[float, float, float]:
        """A place near the mean one."""
        x, y, z = np.asarray(centre) + self.rng.normal(0, spread_mm, 3)
        return float(x), float(y), float(z)

    def lay(
        self, organ: str, box: tuple[slice, slice, slice], level: Volume, hu: Volume | float, *, moat_mm: float
    ) -> None:
        """Paint an organ with a seam of fat around it."""
        if organ in self.build.missing:
            return
        seam = level - np.float32(moat_mm * (0.5 + self.build.belly))
        self.canvas.paint(box, np.maximum(seam, self.trunk.cavity[box] + 1), self.tissues["fat"] + 10, 0)
        self.canvas.paint(box, level, hu, ORGAN_VALUES[organ])

    def texture(self, tissue: str, box: tuple[slice, slice, slice], coarse: float = 2.0, fine: float = 2.0) -> Volume:
        """A tissue's Hounsfield units with its grain."""
        return np.asarray(self.tissues[tissue] + coarse * self.coarse[box] + fine * self.fine[box])

    def stomach(self) -> None:
        """A bag below the left dome, with fluid, food or contrast medium and gas on top."""
        s = self.size("stomach")
        full = float(self.rng.uniform(0.75, 1.25)) * s
        points = [
            (-52, -38, 88, 24 * full),
            (-66, -18, 74, 37 * full),
            (-68, 16, 44, 31 * full),
            (-46, 46, 14, 24 * full),
        ]
        points += [(-10, 52, 0, 19 * s), (22, 42, 6, 14 * s), (36, 30, 8, 9)]
        line = curve([(*self.place(p[:3], 5), p[3]) for p in points], step_mm=9)
        box, level, _ = tube(self.canvas, line[:, :3], line[:, 3])
        if not level.size:
            return
        p = self.canvas.at(box)
        level = common(
            level + 2 * self.coarse[box], self.trunk.cavity[box] + 2, self.trunk.diaphragm[box] + 3, smooth_mm=5
        )
        self.lay("stomach", box, level, self.texture("stomach_wall", box), moat_mm=3)
        inner = level + np.float32(self.rng.uniform(3, 7)) + 1.5 * self.fine[box] * 0.5
        kind = self.rng.choice(4, p=[0.4, 0.35, 0.1, 0.15])
        content = (12.0, 35.0, float(self.rng.uniform(150, 400)), 50.0)[kind]
        self.canvas.paint(box, inner, content + (18 * self.fine[box] if kind in (1, 3) else 0))
        surface = np.float32(self.rng.uniform(10, 70))
        if kind == 3:
            self.canvas.paint(box, np.maximum(inner, 1.1 - self.fine[box]), -350)
        self.canvas.paint(box, np.maximum(inner, surface - p[1]), AIR + 15)

    def liver(self) -> None:
        """All of the right dome and part of the left one, cut off below by the slanting visceral surface."""
        s = self.size("liver")
        box = self.canvas.box((-140, -125, -150), (165, 140, 150))
        p = self.canvas.at(box)
        if not p.size:
            return
        rng, x, y, z = self.rng, p[0], p[1], p[2]
        tilt = np.array([-0.45, -0.36, -0.82]) + rng.normal(0, 0.05, 3)
        tilt /= np.linalg.norm(tilt)
        base = np.array([30.0, 5, 12]) - tilt * -1 * 0 + np.array([0, 0, -58 * (s - 1) * 2.2]) + rng.normal(0, 6, 3)
        under = sum(np.float32(n) * (q - np.float32(b)) for n, q, b in zip(tilt, p, base, strict=True))
        tail = np.maximum(x - 70, 0) * np.float32(rng.uniform(0.0, 0.5))  # a right lobe that hangs down
        under = under - tail + 6 * self.coarse[box]
        rear = -(y + 22 + 0.5 * x + 0.0042 * x * np.maximum(x, 0)) * np.float32(0.85)
        reach = float(rng.uniform(45, 105)) * s
        thin = -self.trunk.diaphragm[box] - (62 * np.float32(s) + 0.55 * x - 0.10 * y)
        left = np.where(x < 25, thin, thin - 2 * (x - 25))
        level = common(
            self.trunk.cavity[box] + 2.5,
            self.trunk.diaphragm[box] + 3,
            under,
            rear,
            left * np.float32(0.8),
            -(x + np.float32(reach)) * np.float32(0.9),
            smooth_mm=9,
        )
        spine = ellipsoid(np.stack([x, y, z * 0]), (-6, -48, 0), (34, 36, 60))
        level = np.maximum(level, -spine)
        self.lay("liver", box, level, self.texture("liver", box, 2.0, 2.5), moat_mm=1.5)
        self._lesions(box, level, "liver", count=int(rng.poisson(0.8)))
        self._liver_vessels(box, level)

    def _liver_vessels(self, box: tuple[slice, slice, slice], level: Volume) -> None:
        rise = self.build.breath_mm
        trees = [("portal", np.array([18.0, -8, 32]), 6.0, 5), ("cava", np.array([24.0, -34, 92 + rise]), 5.5, 4)]
        for tissue, root, radius, count in trees:
            for _ in range(count):
                way = self.rng.normal(size=3) * [1.0, 0.9, 0.6] + (
                    [0.6, 0.2, 0.3] if tissue == "portal" else [0.6, 0.5, -0.8]
                )
                self._branch(tissue, root, way / np.linalg.norm(way), radius, 4)

    def _branch(
        self, tissue: str, start: NDArray[np.float64], way: NDArray[np.float64], radius: float, depth: int
    ) -> None:
        bent = way + 0.25 * self.rng.normal(size=3)
        end = start + self.rng.uniform(16, 30) * bent / np.linalg.norm(bent)
        box, level, _ = tube(self.canvas, np.stack([start, end]), np.array([radius, 0.8 * radius]))
        if level.size:
            inside = self.canvas.label[box] == ORGAN_VALUES["liver"]
            self.canvas.paint(box, np.where(inside, level, 9), self.tissues[tissue])
        if depth and radius > 1.3:
            for _ in range(2):
                following = bent + 0.6 * self.rng.normal(size=3)
                self._branch(tissue, end, following / np.linalg.norm(following), 0.72 * radius, depth - 1)

    def _lesions(self, box: tuple[slice, slice, slice], level: Volume, organ: str, *, count: int) -> None:
        """Cysts and solid lesions, which belong to their organ."""
        p = self.canvas.at(box)
        inside = np.argwhere(level < -8)
        for _ in range(count if len(inside) else 0):
            i, j, k = inside[self.rng.integers(len(inside))]
            radius = float(np.clip(self.rng.lognormal(2.1, 0.5), 3, 28))
            ball = ellipsoid(
                p, tuple(float(q[i, j, k]) for q in p), tuple(radius * np.exp(self.rng.normal(0, 0.15, 3)))
            )
            cyst = self.rng.random() < 0.5
            hu = (
                self.tissues["fluid"] if cyst else self.tissues[organ if organ in self.tissues.values else "liver"] - 28
            )
            self.canvas.paint(box, np.maximum(ball + self.coarse[box], level + 0.5), hu)

    def gallbladder(self) -> None:
        """A pear below the liver."""
        s = self.size("gallbladder")
        bottom = np.array(self.place((50, 56, -22), 6))
        neck = np.array(self.place((34, 16, 14), 5))
        line = curve([(*neck, 5 * s), (*(0.5 * (bottom + neck)), 13 * s), (*bottom, 14 * s)], step_mm=6)
        box, level, _ = tube(self.canvas, line[:, :3], line[:, 3])
        if level.size:
            level = np.maximum(level, self.trunk.cavity[box] + 3)
            self.lay("gallbladder", box, level, self.tissues["bile"] + 18, moat_mm=0.0)
            if "gallbladder" not in self.build.missing:
                self.canvas.paint(box, level + 2, self.tissues["bile"] + self.coarse[box])

    def spleen(self) -> None:
        """A crescent between stomach and the left wall."""
        s = self.size("spleen")
        box = self.canvas.box((-190, -140, -90), (0, 70, 150))
        p = self.canvas.at(box)
        if not p.size:
            return
        centre = self.place((-96 - 4 * (s - 1), -50, 58 - 25 * (s - 1)), 5)
        bulk = ellipsoid(p, centre, (38 * s, 48 * s, 59 * s), turn(x=28, y=-12, z=22))
        hollow = ellipsoid(p, self.place((-48, 6, 56), 5), (40, 38, 54), turn(z=20))
        level = common(
            bulk + 3 * self.coarse[box],
            self.trunk.cavity[box] + 2.5,
            self.trunk.diaphragm[box] + 3,
            -hollow + 4 * (s - 1),
            smooth_mm=6,
        )
        grain = (14.0, 6.0) if self.build.phase == "arterial" else (2.0, 2.0)  # the pulp fills in stripes
        hu = self.texture("spleen", box, *grain)
        self.lay("spleen", box, level, hu, moat_mm=1.5)
        if "spleen" not in self.build.missing:
            self._lesions(box, level, "spleen", count=int(self.rng.poisson(0.1)))

    def kidneys(self) -> None:
        """Beans beside the spine, cortex around medulla, sinus with fat and calyces; in a capsule of fat."""
        for side, name in ((1, "kidney_right"), (-1, "kidney_left")):
            if name in self.build.missing:
                continue
            s = self.size(name)
            centre = np.array(self.place((side * (62 + 6 * self.build.belly), -52, -14 if side > 0 else 2), 7))
            box = self.canvas.box(centre - 85 * s, centre + 85 * s)
            p = self.canvas.at(box)
            if not p.size:
                continue
            pose = turn(
                x=float(self.rng.normal(12, 4)),
                y=float(side * self.rng.normal(-14, 4)),
                z=float(side * self.rng.normal(-32, 8)),
            )
            half = np.array([28.0, 24, 55]) * s * np.exp(self.rng.normal(0, 0.05, 3))
            bean = ellipsoid(p, tuple(centre), tuple(half), pose)
            hilum = centre + pose @ np.array([-side * 30.0 * s, 0, 0])
            notch = ellipsoid(p, tuple(hilum), (20 * s, 13 * s, 19 * s), pose)
            level = common(bean + 1.5 * self.coarse[box], -notch, self.trunk.cavity[box] + 4, smooth_mm=5)
            sinus = ellipsoid(
                p, tuple(centre + pose @ np.array([-side * 7.0 * s, 0, 0])), (12 * s, 8 * s, 27 * s), pose
            )
            inner = sinus - 10 + 5 * self.coarse[box]
            self.lay(name, box, level, self.texture("cortex", box), moat_mm=9)
            self.canvas.paint(box, np.maximum(inner, level + 7), self.texture("medulla", box))
            self.canvas.paint(box, np.maximum(sinus + 2 * self.coarse[box], level + 3), self.tissues["fat"] + 25, 0)
            wide = float(self.rng.exponential(2.0)) - 5
            self.canvas.paint(
                box, np.maximum(sinus + 7 - np.float32(max(wide, -2.5)), level + 3), self.tissues["urine"]
            )
            if self.rng.random() < 0.12:
                self.canvas.paint(box, ellipsoid(p, tuple(centre + self.rng.normal(0, 8, 3)), (3, 3, 4)), 600)
            self._lesions(box, level, name, count=int(self.rng.poisson(0.4)))

    def pancreas(self) -> None:
        """From the duodenum over the great vessels towards the spleen, lobed where there is fat."""
        points = [
            (36, 6, -22, 12),
            (26, 18, 0, 13),
            (2, 26, 16, 10),
            (-28, 8, 28, 10),
            (-62, -16, 42, 10),
            (-82, -28, 50, 7),
        ]
        line = curve([(*self.place(p[:3], 4), p[3] * (1.1 - 0.35 * self.build.age)) for p in points], step_mm=7)
        box, level, _ = tube(self.canvas, line[:, :3], line[:, 3])
        if level.size:
            lobes = level + (1.5 + 2 * self.build.age) * self.fine[box]
            self.canvas.paint(box, level - 5, self.tissues["fat"] + 20, 0)
            self.lay("pancreas", box, lobes, self.texture("pancreas", box, 3, 8), moat_mm=0)

    def adrenals(self) -> None:
        """Two thin limbs above each kidney."""
        for side, name in ((1, "adrenal_gland_right"), (-1, "adrenal_gland_left")):
            if name in self.build.missing:
                continue
            top = np.array(self.place((side * 34 - 2, -42, 44 if side > 0 else 38), 4))
            for out in (side * 6, side * 14):
                box, level, _ = tube(self.canvas, np.array([top, beside(top, out, -16, -18)]), np.array([3.8, 2.6]))
                self.canvas.paint(box, level, self.tissues["adrenal"], ORGAN_VALUES[name])

    def bladder(self) -> None:
        """The bladder, more or less full, and the prostate or the womb behind it."""
        full = float(self.rng.uniform(0.5, 1.6))
        centre = np.array(self.place((0, 26, -262 + 22 * full), 4))
        box = self.canvas.box(centre - 95, centre + 95)
        p = self.canvas.at(box)
        if not p.size:
            return
        behind = ellipsoid(p, (0, -14, -262), (34 if self.build.breasts_mm else 26, 22, 30), turn(x=30))
        self.canvas.paint(box, behind + 3 * self.coarse[box], self.texture("prostate", box, 4, 3), 0)
        level = ellipsoid(p, tuple(centre), (42 * full, 34 * full, 36 * full)) + 3 * self.coarse[box]
        self.canvas.paint(box, level, self.tissues["muscle"], ORGAN_VALUES["urinary_bladder"])
        urine = self.tissues["urine"]
        layer = np.where(p[1] < centre[1] - 8, urine, 0.4 * urine + 4) if self.build.phase == "delayed" else urine
        self.canvas.paint(box, level + 3.5, layer)


def paint_ascites(canvas: Canvas, trunk: Trunk, build: Build, tissues: Tissues) -> None:
    """Free fluid of the abdomen, which collects in front of the wall at the sides."""
    if build.fluid_mm[2]:
        level = np.maximum(
            np.maximum(trunk.cavity + 2, trunk.diaphragm + 3), -trunk.cavity - np.float32(build.fluid_mm[2])
        )
        canvas.paint(canvas.whole, np.maximum(level, canvas.place[1] - 60), tissues["fluid"], 0)
