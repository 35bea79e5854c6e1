import bar from "./bar.css";
import base from "./base.css";
import evidence from "./evidence.css";
import foot from "./foot.css";
import form from "./form.css";
import grid from "./grid.css";
import help from "./help.css";
import layers from "./layers.css";
import panel from "./panel.css";
import regions from "./regions.css";
import segments from "./segments.css";
import suspicions from "./suspicions.css";

export const css = [base, bar, form, layers, grid, panel, regions, evidence, segments, suspicions, foot, help].join(
  "\n",
);
