"""Teachers: they write rationales and feedback, the targets of sequence-level distillation."""
