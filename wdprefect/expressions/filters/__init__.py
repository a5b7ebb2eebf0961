"""The filters. To add one, write a public function into one of these modules and a row into its table of tests."""

from wdprefect.expressions.binding import table
from wdprefect.expressions.filters import data, encoding, lists, moments, numeric, patterns, text

FILTERS = table(text, patterns, lists, encoding, numeric, data, moments)
