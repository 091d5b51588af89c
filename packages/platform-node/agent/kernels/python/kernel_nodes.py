"""Which expressions of code are shown, where the code has set `ast_node_interactivity`."""
import ast


def parts(body, interactivity):
    """
    Lists of statements, statements whose expressions are all shown, and expressions. The value of an expression at the end
    is the result of the run.
    """
    if interactivity == "last_expr_or_assign" and body:
        body = body + assigned(body[-1])
    kept = {"all": 0, "none": len(body)}.get(interactivity, max(len(body) - 1, 0))
    silent, shown = body[:kept], body[kept:]
    if interactivity not in ("all", "last", "none") and not isinstance(shown[-1:][0] if shown else None, ast.Expr):
        silent, shown = body, []
    last = [shown.pop().value] if shown and isinstance(shown[-1], ast.Expr) else []
    return ([silent] if silent else []) + [ast.Interactive([node]) for node in shown] + last


def assigned(node):
    """The variable that a statement assigns to, as an expression."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if not isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) or not isinstance(targets[0], ast.Name):
        return []
    name = ast.copy_location(ast.Name(targets[0].id, ast.Load()), node)
    return [ast.copy_location(ast.Expr(name), node)]
