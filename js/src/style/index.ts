import bar from "./bar.css";
import base from "./base.css";
import foot from "./foot.css";
import grid from "./grid.css";
import layers from "./layers.css";

export const css = [base, bar, layers, grid, foot].join("\n");
