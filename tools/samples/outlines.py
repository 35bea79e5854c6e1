"""Hand-drawn outlines of the objects in the source photographs, in pixels (x, y) of each photograph."""

from __future__ import annotations

import math
from typing import NamedTuple

Polygon = tuple[tuple[float, float], ...]


class Outline(NamedTuple):
    """The union of `polygons`, drawn to within `band` pixels of the true edge; `gamma` below 1 lifts the shadows."""

    source: str
    polygons: tuple[Polygon, ...]
    band: int
    gamma: float = 1.0


def _points(text: str) -> Polygon:
    pairs = (pair.split(",") for pair in text.split())
    return tuple((float(x), float(y)) for x, y in pairs)


def _ellipse(x: float, y: float, a: float, b: float) -> Polygon:
    """Ellipse of centre (x, y) and half axes (a, b) as a 90-sided polygon."""
    turns = [2 * math.pi * i / 90 for i in range(90)]
    return tuple((x + a * math.cos(t), y + b * math.sin(t)) for t in turns)


OUTLINES: dict[str, Outline] = {
    "astronaut": Outline(
        "astronaut.png",
        (
            _points(
                "60,512 45,497 30,480 25,450 20,400 20,385 24,350 30,325 38,295 45,275 60,255 80,237 "
                "100,218 113,208 113,190 118,184 125,176 135,165 150,155 170,149 182,149 182,132 175,130 "
                "170,122 160,115 155,105 152,85 153,65 165,48 185,38 195,25 215,17 235,15 260,20 280,30 "
                "295,50 302,75 300,100 292,115 278,130 272,137 267,137 262,150 257,165 255,172 270,180 "
                "285,195 298,215 304,235 315,240 330,252 342,268 350,285 356,305 362,330 363,348 380,344 "
                "400,343 430,350 455,365 475,390 488,415 494,440 497,455 504,465 508,490 510,512"
            ),
        ),
        4,
    ),
    "cat": Outline(
        "chelsea.png",
        (
            _points(
                "120,0 95,1 70,7 50,18 38,34 33,52 32,80 38,115 50,125 55,160 70,180 100,205 130,225 "
                "150,240 170,255 190,270 215,280 255,283 290,272 312,255 318,235 315,215 330,190 350,165 "
                "360,145 362,120 358,95 355,78 352,72 365,55 375,35 387,18 391,9 388,3 380,0"
            ),
        ),
        5,
    ),
    "coffee cup": Outline(
        "coffee.png",
        (
            _ellipse(278, 222, 201, 167),
            _ellipse(290, 113, 118, 95),
            _points("398,72 404,66 418,66 425,75 418,110 408,130"),
        ),
        4,
    ),
    "photographer": Outline(
        "camera.png",
        (
            _points(
                "0,252 20,235 35,215 50,190 60,165 75,145 95,132 120,125 132,124 140,112 155,106 161,106 "
                "163,92 170,82 180,72 195,66 205,63 220,65 235,72 250,85 262,98 268,112 269,122 262,132 "
                "256,140 280,140 300,141 310,139 323,139 324,150 319,153 319,168 325,168 331,175 331,190 "
                "325,200 322,215 312,228 300,240 304,272 290,285 270,298 245,312 230,308 215,300 207,294 "
                "204,299 195,315 184,330 0,330"
            ),
        ),
        5,
        gamma=0.7,
    ),
    "rocket": Outline(
        "rocket.jpg",
        (
            _points(
                "322,127 317,131 313,138 311,148 311,176 310,182 310,250 310,300 310,350 311,407 332,407 "
                "334,350 334,320 334,250 335,182 334,176 334,148 331,138 327,131"
            ),
        ),
        2,
    ),
    "space shuttle": Outline(
        "astronaut.png",
        (
            _points(
                "397,30 400,15 408,4 415,0 425,0 430,8 436,25 438,44 443,40 450,55 453,80 454,170 454,195 "
                "456,210 455,233 454,240 458,262 452,268 435,268 430,272 385,272 370,272 367,260 375,240 "
                "384,230 355,222 354,210 360,200 372,190 378,180 377,170 377,120 380,105 383,95 380,75 "
                "381,55 386,40 391,42 395,58"
            ),
        ),
        3,
    ),
}
