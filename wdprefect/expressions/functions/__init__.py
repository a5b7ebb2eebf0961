"""The functions. To add one, write a public function into one of these modules and a row into its table of tests."""

from wdprefect.expressions.binding import table
from wdprefect.expressions.functions import calendar_days, ciphers, data, files, generated, refused, run, stored, web

FUNCTIONS = table(data, run, stored, files, generated, calendar_days, ciphers, web, refused)
