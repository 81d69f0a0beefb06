"""Damaged input for everything that reads a file: it is read, or refused with a NegbenchError."""
