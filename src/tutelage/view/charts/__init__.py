"""Charts as SVG, made by the server: pure functions from figures to markup. Colours are classes of view.css.

Every chart has a title, a description, and its figures as a table; the macro `chart` of charts.html shows all three.
Cells of tables have `bar` and `whisker`, beside the figure that they draw.
"""

from tutelage.view.charts.base import Chart
from tutelage.view.charts.cells import bar, whisker
from tutelage.view.charts.columns import stacked
from tutelage.view.charts.curves import lines
from tutelage.view.charts.flow import flows
from tutelage.view.charts.points import accuracies, scatter

__all__ = ["Chart", "accuracies", "bar", "flows", "lines", "scatter", "stacked", "whisker"]
