import bar from "./bar.css";
import base from "./base.css";
import concepts from "./concepts.css";
import detections from "./detections.css";
import epochs from "./epochs.css";
import evidence from "./evidence.css";
import foot from "./foot.css";
import form from "./form.css";
import grid from "./grid.css";
import help from "./help.css";
import layers from "./layers.css";
import models from "./models.css";
import nearest from "./nearest.css";
import panel from "./panel.css";
import regions from "./regions.css";
import segments from "./segments.css";
import suspicions from "./suspicions.css";

const answers = [regions, detections, evidence, nearest, segments, concepts, suspicions, models, epochs];

export const css = [base, bar, form, layers, grid, panel, ...answers, foot, help].join("\n");
