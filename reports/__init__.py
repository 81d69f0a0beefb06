"""From records to a printed report: reported numbers, verdicts, tables, figures and the template."""
